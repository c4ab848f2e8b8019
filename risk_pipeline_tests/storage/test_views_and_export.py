"""Views for BI and the Parquet export hold what the tables hold, on both databases."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import export as exporting
from risk_pipeline.storage import tables
from risk_pipeline.storage.database import insert_rows, migrate
from risk_pipeline.storage.export import export
from risk_pipeline.storage.limit_queries import limit_rows
from risk_pipeline.storage.queries import read_table
from risk_pipeline.storage.views import COMMENTS, column_name, view_selects

DAYS = pd.to_datetime(["2024-12-30", "2024-12-31", "2025-01-02", "2025-01-03"]).astype("datetime64[s]")


def filled(table: sa.Table, **columns) -> pd.DataFrame:
    """Return rows of a table from some of its columns; the others are null, or anything where they may not be."""
    anything = {sa.Float: 1.0, sa.Integer: 1, sa.Boolean: True, sa.String: "x", sa.Date: DAYS[0]}
    frame = pd.DataFrame(columns)
    for column in table.columns:
        if column.name not in frame:
            some = next(value for kind, value in anything.items() if isinstance(column.type, kind))
            frame[column.name] = None if column.nullable else some
    return frame


@pytest.fixture
def stored(engine):
    """Four sessions over two years of one portfolio: exposures, a scenario, and a breach that pauses once."""
    with engine.begin() as connection:
        insert_rows(
            connection,
            tables.portfolios,
            filled(tables.portfolios, portfolio_id=["p"], name=["Mine"], currency=["EUR"]),
        )
        snapshots = filled(tables.portfolio_snapshots, session=DAYS, portfolio_id="p", nav=[1.0, 2.0, 3.0, 4.0])
        insert_rows(connection, tables.portfolio_snapshots, snapshots)
        for name, value in (("IR Beta", 0.1), ("Market Beta (90D)", 0.2)):
            rows = filled(tables.factor_exposures, session=DAYS, portfolio_id="p", factor_name=name, exposure=value)
            insert_rows(connection, tables.factor_exposures, rows)
        stress = filled(
            tables.stress_test_results, session=DAYS, portfolio_id="p", scenario_id="covid_2020", correlated_pnl=-5.0
        )
        insert_rows(connection, tables.stress_test_results, stress)
        status = ["breach", "within", "breach", "breach"]
        limits = filled(
            tables.limit_utilisations, session=DAYS, portfolio_id="p", measure="gross", operator="<=", status=status
        )
        another = limits.assign(measure="net", status="breach")  # the breach of one limit keeps no other open
        insert_rows(connection, tables.limit_utilisations, pd.concat([limits, another]))
        parts = [("core", "Momentum", 1.0), ("sector", "Energy Sector", -0.5), ("options", "gamma", 0.25)]
        parts += [("options", "theta", -0.75), ("currency", "FX EURUSD", 2.0), ("specific", "specific", 7.0)]
        for at, day in enumerate(DAYS):
            rows = pd.DataFrame(parts[at:], columns=["kind", "part", "pnl"])
            explained = filled(tables.pnl_explain, session=day, portfolio_id="p", **rows.to_dict("list"))
            insert_rows(connection, tables.pnl_explain, explained)
        risk = filled(
            tables.benchmark_risk, session=DAYS, portfolio_id="p", benchmark="SPY", tracking_error=[0.1, 0.2, 0.3, 0.4]
        )
        insert_rows(connection, tables.benchmark_risk, risk)
        active = filled(
            tables.active_exposures,
            session=[DAYS[0], DAYS[0], DAYS[1]],
            portfolio_id="p",
            kind=["factor", "position", "factor"],
            name=["Momentum", "Momentum", "core_market"],  # a ticker may be called as a factor is
            active=[0.5, 0.9, -0.2],
        )
        insert_rows(connection, tables.active_exposures, active)
    return engine


def rows_of(engine: sa.Engine, view: str) -> list[dict]:
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.text(f"SELECT * FROM {view}"))]


def test_views_say_what_the_tables_say(stored):
    (latest,) = rows_of(stored, "v_latest_snapshots")
    assert (latest["name"], latest["currency"], latest["nav"]) == ("Mine", "EUR", 4.0)
    wide = rows_of(stored, "v_exposures_wide")
    assert [(row["ir_beta"], row["market_beta_90d"], row["momentum"]) for row in wide] == [(0.1, 0.2, None)] * 4
    assert [(row["covid_2020"], row["market_down_10"]) for row in rows_of(stored, "v_stress_wide")] == [
        (-5.0, None)
    ] * 4
    since = {(row["measure"], str(row["session"])): str(row["since"]) for row in rows_of(stored, "v_breaches")}
    assert [since["gross", str(DAYS[at].date())] for at in (0, 2, 3)] == ["2024-12-30", "2025-01-02", "2025-01-02"]
    found = limit_rows(stored, DAYS[0].date(), DAYS[-1].date()).dropna(subset=["since"])
    assert since == {(row.measure, str(row.session.date())): str(row.since.date()) for row in found.itertuples()}


def test_parts_of_the_pnl_are_columns_that_sum_to_all_of_them(stored):
    rows = sorted(rows_of(stored, "v_pnl_explain_wide"), key=lambda row: str(row["session"]))
    assert [row["daily_pnl"] for row in rows] == [1.0] * 4
    names = ("momentum", "energy_sector", "options", "currency", "specific", "core_market", "fees")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (1.0, -0.5, -0.5, 2.0, 7.0, 0.0, 0.0),
        (0.0, -0.5, -0.5, 2.0, 7.0, 0.0, 0.0),
        (0.0, 0.0, -0.5, 2.0, 7.0, 0.0, 0.0),
        (0.0, 0.0, -0.75, 2.0, 7.0, 0.0, 0.0),
    ]
    stored_parts = read_table(stored, "pnl_explain").groupby("session")["pnl"].sum().tolist()
    assert [sum(list(row.values())[3:]) for row in rows] == stored_parts


def test_the_benchmark_s_view_has_every_session_and_the_active_factors_of_those_that_have_any(stored):
    rows = sorted(rows_of(stored, "v_benchmark_wide"), key=lambda row: str(row["session"]))
    assert [row["tracking_error"] for row in rows] == [0.1, 0.2, 0.3, 0.4]
    assert [row["active_momentum"] for row in rows] == [0.5, None, None, None]
    assert [row["active_core_market"] for row in rows] == [None, -0.2, None, None]


def test_a_second_migration_leaves_the_views_and_every_one_is_described(engine):
    migrate(engine)
    assert set(sa.inspect(engine).get_view_names()) >= set(COMMENTS) == set(view_selects())
    assert column_name("Market Beta (90D)") == "market_beta_90d"


def test_the_export_is_the_tables_by_year(stored, tmp_path):
    files = export(stored, tmp_path / "out")
    names = {file.path.relative_to(tmp_path / "out").as_posix(): file.rows for file in files}
    assert names["portfolio_snapshots/2024.parquet"] == names["portfolio_snapshots/2025.parquet"] == 2
    assert names["portfolios.parquet"] == 1
    assert (tmp_path / "out" / "tables.md").read_text().startswith("# Tables")
    read = pd.concat(
        pq.read_table(tmp_path / "out" / "portfolio_snapshots" / f"{year}.parquet").to_pandas() for year in (2024, 2025)
    )
    stored_rows = read_table(stored, "portfolio_snapshots")
    assert read["nav"].tolist() == stored_rows["nav"].tolist()
    assert read["session"].tolist() == [day.date() for day in stored_rows["session"]]
    assert read["var_99"].isna().all()


def test_an_export_of_a_range_holds_its_sessions_and_another_replaces_it(stored, tmp_path):
    export(stored, tmp_path, date(2025, 1, 1), date(2025, 1, 2))
    assert not (tmp_path / "portfolio_snapshots" / "2024.parquet").exists()
    assert pq.read_table(tmp_path / "portfolio_snapshots" / "2025.parquet").num_rows == 1
    export(stored, tmp_path)
    assert pq.read_table(tmp_path / "portfolio_snapshots" / "2025.parquet").num_rows == 2


def test_an_export_that_fails_leaves_whole_files_only(stored, tmp_path, monkeypatch):
    export(stored, tmp_path)
    before = (tmp_path / "portfolio_snapshots" / "2025.parquet").read_bytes()

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "_arrow", broken)
    with pytest.raises(OSError, match="disk full"):
        export(stored, tmp_path)
    assert (tmp_path / "portfolio_snapshots" / "2025.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.rglob("*.writing")] == []
