"""A group of portfolios: imported, refused with what to do, versioned, and read as a portfolio of its members."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest

from risk_pipeline.storage import queries
from risk_pipeline.storage.book_versions import book_at, looking_at, newest_version
from risk_pipeline.storage.groups import LONGEST_ID, lot_id
from risk_pipeline.storage.imports import ImportRefused, import_frames, run_import
from risk_pipeline.storage.removal import remove_portfolio
from risk_pipeline_tests.support.databases import migrated_sqlite

LAST = date(2025, 12, 31)
PORTFOLIOS = pd.DataFrame(
    [
        ("a", "A", "2025-01-02", "", 100.0, "USD"),
        ("b", "B", "2025-03-03", "2025-11-03", 50.0, "USD"),
        ("e", "E", "2025-01-02", "", 70.0, "EUR"),
    ],
    columns=["portfolio_id", "name", "inception_date", "closed_date", "starting_equity", "currency"],
)
POSITIONS = pd.DataFrame(
    [("a1", "a", "SPY", 1), ("a2", "a", "TLT", 2), ("b1", "b", "SPY", 3), ("e1", "e", "SPY", 4)],
    columns=["position_id", "portfolio_id", "symbol", "quantity"],
).assign(investment_class="PUBLIC", entry_date="2025-03-03", entry_price=90.0)
FLOWS = pd.DataFrame(
    [("a", "2025-04-01", 10.0), ("b", "2025-04-01", 5.0), ("b", "2025-05-01", -1.0)],
    columns=["portfolio_id", "flow_date", "amount"],
)
BOOK = {"portfolios": PORTFOLIOS, "positions": POSITIONS, "flows": FLOWS}


def groups(*members: tuple[str, str]) -> dict[str, pd.DataFrame]:
    return {"groups": pd.DataFrame(members, columns=["group", "portfolio"])}


@pytest.fixture
def engine(tmp_path):
    engine = migrated_sqlite(tmp_path / "risk.db")
    import_frames(engine, BOOK)
    yield engine
    engine.dispose()


def test_a_group_has_its_members_equity_lots_and_flows_while_all_are_open(engine):
    import_frames(engine, groups(("fund", "a"), ("fund", "b")))
    row = queries.portfolios(engine).set_index("portfolio_id").loc["fund"]
    assert (row["starting_equity"], row["currency"]) == (150.0, "USD")
    assert (row["inception_date"], row["closed_date"]) == (pd.Timestamp("2025-03-03"), pd.Timestamp("2025-11-03"))
    lots = queries.lots(engine, LAST)
    own = lots[lots["portfolio_id"] == "fund"]
    assert list(zip(own["position_id"], own["quantity"], strict=True)) == [
        ("fund/a1", 1),
        ("fund/a2", 2),
        ("fund/b1", 3),
    ]
    assert lots["position_id"].is_unique
    flows = queries.flows(engine, LAST)
    assert flows[flows["portfolio_id"] == "fund"]["amount"].tolist() == [15.0, -1.0]
    assert list(queries.imported_portfolios(engine)["portfolio_id"]) == ["a", "b", "e"]


def test_without_groups_the_book_is_read_as_it_was_imported(engine):
    assert list(queries.portfolios(engine)["portfolio_id"]) == ["a", "b", "e"]
    assert len(queries.lots(engine, LAST)) == 4


@pytest.mark.parametrize(
    ("members", "field", "said"),
    [
        ([("fund", "a"), ("fund", "e")], "portfolio", "is in EUR, a of the same group in USD"),
        ([("fund", "nobody")], "portfolio", "is no portfolio: add it to the portfolios file"),
        ([("a", "b")], "group", "is a portfolio: give the group a name of its own"),
        ([("fund", "a"), ("funds", "fund")], "portfolio", "is a group: list its portfolios instead"),
        ([("fund", "a"), ("fund", "a")], "group_id, portfolio_id", "stands already on line 2"),
    ],
)
def test_a_group_that_cannot_be_is_refused_with_what_to_do_and_nothing_is_stored(engine, members, field, said):
    with pytest.raises(ImportRefused) as refused:
        import_frames(engine, groups(*members))
    (problem,) = refused.value.problems
    assert (problem.file, problem.column) == ("groups.csv", field)
    assert said in problem.remedy
    assert queries.groups(engine).empty


def test_a_portfolio_may_not_change_its_currency_away_from_its_group_nor_take_its_name(engine):
    import_frames(engine, groups(("fund", "a"), ("fund", "b")))
    with pytest.raises(ImportRefused, match="currency"):
        import_frames(engine, {"portfolios": PORTFOLIOS[:1].assign(currency="EUR")})
    with pytest.raises(ImportRefused, match="name of a group"):
        import_frames(engine, {"portfolios": PORTFOLIOS[:1].assign(portfolio_id="fund")})
    both = PORTFOLIOS[:2].assign(currency="EUR")
    import_frames(engine, {"portfolios": both})
    assert queries.portfolios(engine).set_index("portfolio_id")["currency"]["fund"] == "EUR"


def test_a_file_replaces_the_group_that_it_names_and_older_versions_have_the_old_members(engine):
    import_frames(engine, groups(("fund", "a"), ("fund", "b"), ("other", "a")))
    before = newest_version(engine)
    import_frames(engine, groups(("fund", "b")))
    assert queries.groups(engine).to_records(index=False).tolist() == [("fund", "b"), ("other", "a")]
    earlier = looking_at(engine, book_at(engine, before))
    assert len(queries.groups(earlier)) == 3
    assert queries.portfolios(earlier).set_index("portfolio_id")["starting_equity"]["fund"] == 150.0


def test_removing_a_group_leaves_its_members_and_removing_a_member_leaves_the_rest(engine):
    import_frames(engine, groups(("fund", "a"), ("fund", "b"), ("other", "a")))
    remove_portfolio(engine, "other")
    assert set(queries.groups(engine)["group_id"]) == {"fund"}
    remove_portfolio(engine, "b")
    row = queries.portfolios(engine).set_index("portfolio_id").loc["fund"]
    assert row["starting_equity"] == 100.0
    assert len(queries.lots(engine, LAST)) == 5


def test_ids_of_lots_stay_short_and_apart():
    names = {lot_id("g" * 40, "p" * 60 + str(number)) for number in range(3)}
    assert len(names) == 3
    assert max(map(len, names)) <= LONGEST_ID


@pytest.mark.parametrize("header", ["group,portfolio", "group,portfolio_id", "Group,Portfolio ID"])
def test_a_member_is_named_as_in_every_other_file(engine, tmp_path, header):
    path = tmp_path / "groups.csv"
    path.write_text(f"{header}\nfund,a\nfund,b\n")
    run_import(engine, [path])
    assert "fund" in queries.portfolios(engine)["portfolio_id"].tolist()


def test_the_book_without_a_portfolio_is_a_version_with_its_time(engine):
    at = datetime(2026, 1, 5, 12, 30)
    remove_portfolio(engine, "b", made_at=at)
    newest = queries.read_table(engine, "book_versions").iloc[-1]
    assert newest["version"] == newest_version(engine)
    assert newest["made_at"] == at
    assert newest["rows_ended"] > 0
    assert "b" not in set(queries.portfolios(engine)["portfolio_id"])
