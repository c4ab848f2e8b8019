"""Whatever comes through a door is taken over whole, or refused in a sentence that says where and what to do.

Each door is tried with made-up inputs, fifty in the ordinary tests and two thousand in `make test-long`. A traceback,
an exception of another kind, a message without a place, and half of an input that was stored are failures.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from risk_pipeline.brokers.detect import missing_portfolios, read_exports
from risk_pipeline.brokers.formats import Format
from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.source import SourceError
from risk_pipeline.storage import tables as stored_tables
from risk_pipeline.storage.import_columns import FILE_COLUMNS
from risk_pipeline.storage.imports import checked_import, store_import
from risk_pipeline.tabular.rows import ProblemsError
from risk_pipeline_tests.support.databases import migrated_sqlite
from risk_pipeline_tests.support.hostile_files import CELLS, DAYS, parquets, texts, workbooks

FEW, MANY = 50, 2_000
EXAMPLES = [pytest.param(FEW, id="some"), pytest.param(MANY, id="many", marks=pytest.mark.long)]
SESSIONS = pd.DatetimeIndex(["2024-12-31", "2025-01-02", "2025-01-03"]).astype("datetime64[s]")
EXPORTS = Path(__file__).parents[1] / "brokers" / "files"


def tried(count: int, door: Callable[..., None], **inputs: st.SearchStrategy) -> None:
    """Open a door with so many inputs."""
    quick = (Phase.explicit, Phase.generate, Phase.shrink)
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    settings(
        max_examples=count,
        deadline=None,
        phases=quick,
        database=None,
        derandomize=count == FEW,  # the ordinary tests fail for what was changed, not by chance
        suppress_health_check=checks,
    )(given(**inputs)(door))()


def is_sentence(text: str) -> bool:
    """Return whether a message is one for a person: no stack, no name of an exception, no flood, no control signs."""
    bad = ("Traceback", "Error(", "Exception", "  File ", "object at 0x", "pyarrow", "numpy", "pydantic")
    return (
        10 < len(text) < 4_000 and not any(word in text for word in bad) and "\x1b" not in text and "\x00" not in text
    )


PRICES = ("date", "symbol", "close", "high", "low", "volume", "dividend", "split_factor")
PRICE_ROWS = [
    dict(zip(PRICES, cells, strict=True))
    for cells in (
        ("2024-12-31", "SPY", "590", "591", "589", "1000", "", ""),
        ("2025-01-02", "SPY", "600.5", "601", "599.5", "1000", "0.5", "1"),
        ("2025-01-03", "SPY", "301", "302", "300", "2000", "0", "2"),
        ("2025-01-02", "NA", "70", "", "", "", "", ""),
        ("2025-01-03", "000012", "7", "", "", "", "", ""),
    )
]
PRICE_TABLE = {
    "columns": PRICES,
    "rows": PRICE_ROWS,
    "others": ("adj_close", "capital_gains", "open", "Date", "SYMBOL", "currency", "splits"),
}


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize(
    ("ending", "files"), [("csv", texts), ("xlsx", workbooks), ("parquet", parquets)], ids=["csv", "xlsx", "parquet"]
)
def test_prices(tmp_path, ending, files, count):
    path = tmp_path / f"prices.{ending}"

    def door(content: bytes) -> None:
        path.write_bytes(content)
        try:
            market = FileMarket(path)
            market.last_date()
            found = market.fetch(["SPY", "NA", "000012"], SESSIONS)
        except SourceError as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017
            assert all(line.startswith(str(path)) for line in str(refused).splitlines()), refused  # noqa: PT017
            return
        bars = found.bars
        assert set(bars["symbol"]) <= {"SPY", "NA", "000012"}
        assert bars["session"].isin(SESSIONS).all()
        assert not bars.duplicated(["session", "symbol"]).any()
        assert np.isfinite(bars[["close", "dividend", "split_factor"]].to_numpy(dtype=float)).all()
        assert (bars["close"] > 0).all()
        assert set(bars["symbol"]).isdisjoint(found.errors)
        assert all(is_sentence(text) for said in (found.errors, found.dropped, found.notes) for text in said.values())

    tried(count, door, content=files(**PRICE_TABLE) | st.binary(max_size=100))


@pytest.mark.parametrize("count", EXAMPLES)
def test_profiles(tmp_path, count):
    pd.DataFrame(PRICE_ROWS).to_csv(tmp_path / "prices.csv", index=False)
    columns = ("symbol", "name", "sector", "vendor_beta", "as_of", "currency")
    good = [dict(zip(columns, ("SPY", "A fund", "Funds", "1.0", "2025-01-02", "USD"), strict=True))]

    def door(content: bytes) -> None:
        (tmp_path / "profiles.csv").write_bytes(content)
        try:
            found = FileMarket(tmp_path).fetch(["SPY"], SESSIONS)
        except SourceError as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017
            assert "profiles.csv" in str(refused)  # noqa: PT017
        else:
            assert len(found.bars) == 3

    tried(count, door, content=texts(columns, good) | st.binary(max_size=100))


ROWS = {
    "portfolios": [
        {"portfolio_id": "mine", "name": "Mine", "inception_date": "2024-12-01", "starting_equity": "1000"},
        {
            "portfolio_id": "other",
            "name": "=x",
            "inception_date": "2025-01-02",
            "starting_equity": "0",
            "currency": "EUR",
        },
    ],
    "positions": [
        {
            "portfolio_id": "mine",
            "symbol": "SPY",
            "investment_class": "STOCK",
            "quantity": "10",
            "entry_date": "2025-01-02",
            "entry_price": "600",
            "currency": "USD",
            "fees": "1",
        },
        {
            "portfolio_id": "mine",
            "symbol": "SPY   250321C00400000",
            "investment_class": "OPTIONS",
            "quantity": "-1",
            "entry_date": "2025-01-02",
            "entry_price": "6",
            "exit_date": "2025-01-03",
            "exit_price": "0",
        },
        {
            "portfolio_id": "mine",
            "symbol": "LAND",
            "investment_class": "PRIVATE",
            "quantity": "1",
            "entry_date": "2025-01-02",
            "entry_price": "6",
            "position_id": "a",
            "is_deleted": "false",
        },
        {
            "portfolio_id": "mine",
            "symbol": "UST",
            "investment_class": "BOND",
            "quantity": "1000",
            "entry_date": "2025-01-02",
            "entry_price": "99",
            "multiplier": "0.01",
        },
    ],
    "groups": [{"group": "all", "portfolio": "mine"}],
    "implied_volatilities": [
        {"date": "2025-01-02", "volatility": "0.2", "symbol": "SPY   250321C00400000"},
        {"date": "2025-01-02", "volatility": "20", "underlying": "SPY", "strike": "1"},
    ],
    "flows": [{"portfolio_id": "mine", "flow_date": "2025-01-02", "amount": "-100"}],
    "marks": [{"symbol": "LAND", "mark_date": "2025-01-02", "price": "5"}],
    "aliases": [
        {"old": "FB", "new": "META", "date": "2022-06-09"},
        {"old": "META", "new": "MTA", "date": "2023-06-09"},
    ],
}
BOOK = "portfolio_id,name,inception_date,starting_equity\nmine,Mine,2024-12-01,1000\n"


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[sa.Engine]:
    engine = migrated_sqlite(tmp_path_factory.mktemp("doors") / "risk.db")
    yield engine
    engine.dispose()


def book(engine: sa.Engine) -> dict[str, int]:
    kinds = ("portfolios", "positions", "portfolio_flows", "private_marks", "symbol_aliases")
    with engine.connect() as connection:
        count = sa.select(sa.func.count())
        return {
            kind: connection.execute(count.select_from(stored_tables.metadata.tables[kind])).scalar_one()
            for kind in kinds
        }


def imported(engine: sa.Engine, paths: list[Path], format_: Format = Format.AUTO) -> None:
    """Import files as the command does: all of it, or problems and nothing."""
    before = book(engine)
    try:
        exports, own = read_exports(paths, format_)
        exports += [missing_portfolios(exports, {"mine"}, None)] if exports else []
        checked = checked_import(engine, own, extra=exports, today=date(2025, 6, 2))
    except ProblemsError as refused:
        assert refused.problems  # noqa: PT017
        for problem in refused.problems:
            assert problem.file, problem
            assert is_sentence(str(problem)), problem
        assert book(engine) == before
        return
    assert all(is_sentence(note) for note in checked.notes), checked.notes
    store_import(engine, checked)
    after = book(engine)
    stored = {**after, "flows": after["portfolio_flows"], "marks": after["private_marks"]}
    for kind in ("portfolios", "positions", "flows", "marks"):
        assert stored[kind] >= len(checked.rows[kind])


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize("kind", sorted(ROWS))
def test_imports(database, tmp_path, kind, count):
    beside = tmp_path / "beside.csv"
    beside.write_text(BOOK)
    paths = {ending: tmp_path / f"{kind}.{ending}" for ending in ("csv", "xlsx")}
    columns = FILE_COLUMNS[kind].all
    files = st.tuples(st.just("csv"), texts(columns, ROWS[kind]))
    # a sheet takes ten times as long, and its cells become the same text
    kinds = st.integers(0, 9).flatmap(
        lambda n: st.tuples(st.just("xlsx"), workbooks(columns, ROWS[kind])) if n == 0 else files
    )

    def door(file: tuple[str, bytes]) -> None:
        ending, content = file
        paths[ending].write_bytes(content)
        imported(database, [paths[ending], *([beside] if kind != "portfolios" else [])])

    tried(count, door, file=kinds)


@st.composite
def damaged(draw, text: str) -> bytes:
    """A good export in which cells are changed and lines are lost or repeated."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["cell", "cell", "cell", "drop", "repeat", "cut"]))
        if change == "cell":
            sign = max(",;\t|", key=lines[row].count)
            cells = lines[row].split(sign)
            cells[draw(st.integers(0, len(cells) - 1))] = draw(CELLS).replace("\n", " ")
            lines[row] = sign.join(cells)
        elif change == "cut":
            lines[row] = lines[row][: draw(st.integers(0, len(lines[row])))]
        elif change == "repeat" or len(lines) == 1:
            lines.insert(row, lines[row])
        else:
            del lines[row]
    return "\n".join(lines).encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])), errors="replace")


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize("name", sorted(path.name for path in EXPORTS.iterdir()))
def test_exports_of_brokers(database, tmp_path, name, count):
    path = tmp_path / name
    good = (EXPORTS / name).read_text(encoding="utf-8-sig")

    def door(content: bytes) -> None:
        path.write_bytes(content)
        imported(database, [path])

    tried(count, door, content=damaged(good))


YAML = (
    *(
        "",
        "~",
        "true",
        "1e400",
        ".nan",
        "-.inf",
        "[]",
        "{}",
        "- 1",
        "!!python/object:os.system x",
        "&a [*a]",
        "2020-01-01",
    ),
    *(
        "'",
        '"',
        "{a: 1, a: 2}",
        "|\n  x",
        "0x1f",
        "12345678901234567890",
        "Market",
        "return",
        "-0.1",
        "99",
        "\t",
        "? x",
        "<<: *b",
    ),
)


@st.composite
def damaged_yaml(draw, text: str) -> bytes:
    """A good file in which words are changed and lines are lost, repeated or moved in."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["value", "value", "key", "drop", "repeat", "indent", "text"]))
        key, colon, value = lines[row].partition(":")
        new = draw(st.sampled_from(YAML) | CELLS)
        if change == "value" and colon:
            lines[row] = f"{key}: {new}"
        elif change == "key" and colon:
            lines[row] = f"{new}:{value}"
        elif change == "repeat":
            lines.insert(row, lines[row])
        elif change == "indent":
            lines[row] = " " + lines[row]
        elif change == "text":
            place = draw(st.integers(0, len(lines[row])))
            lines[row] = lines[row][:place] + new + lines[row][place:]
        elif len(lines) > 1:
            del lines[row]
    return "\n".join(lines).encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1"])), errors="replace")


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize("name", ["factors", "scenarios"])
def test_registries(tmp_path, name, count):
    from risk_pipeline.config import factors
    from risk_pipeline.config.errors import ConfigError
    from risk_pipeline.config.scenario_file import load_scenarios

    shipped = Path(factors.__file__).with_name(f"{name}.yaml").read_text()
    known, path = factors.load_factors(), tmp_path / f"{name}.yaml"

    def door(content: bytes) -> None:
        path.write_bytes(content)
        try:
            if name == "factors":
                factors.load_factors.__wrapped__(path)
            else:
                load_scenarios(known, path)
        except ConfigError as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017
            assert path.name in str(refused)  # noqa: PT017

    text = shipped if name == "factors" else shipped.replace("- id: ", "- id: my_").replace("id: ", "id: ")
    tried(count, door, content=damaged_yaml(text) | st.binary(max_size=100))


SETTINGS = {
    "MARKET__SOURCE": ("simulated", "files", "yahoo,files", ",", "nobody's", "tiingo"),
    "MARKET__PATH": ("/nowhere", "~", "\x7f", "a" * 5_000),
    "MARKET__SEED": ("7", "-1", "1e5", "9" * 400),
    "MARKET__KEY": ("hush-hush",),
    "DATABASE_URL": ("sqlite:///x.db", "postgresql://me:hush-hush@host/name", "hush-hush", "mysql://a:hush-hush@b/c"),
    "PANEL_STORE": ("panels", "s3://me:hush-hush@bucket", "nothing://hush-hush", "file://"),
    "ALERT_WEBHOOK": ("https://host/hush-hush", "hush-hush", "ftp://hush-hush"),
    "CALENDAR": ("XNYS", "XLON", "XXXX", "24/7", ""),
    "PROXY_CALENDAR": ("XNYS", "XXXX"),
    "FIRST_SESSION": DAYS,
    "SCENARIOS_PATH": ("/nowhere.yaml", "."),
    "RISK_FREE_RATE": ("0.02", "2", "nan", "inf", "1,5", "2 %"),
    "RISK_FREE_SYMBOL": ("^IRX", "", "a b", "\u200b"),
    "REPORTING_CURRENCY": ("EUR", "eur", "EURO", "GBX"),
    "LOOK_AGAIN": ("10", "0", "1e9", "ten"),
    "STALE_SESSIONS": ("60", "-1"),
    "BACKFILL_CHUNK": ("5", "0"),
    "SCHEDULE_ENABLED": ("true", "perhaps"),
    "READY": ("after_close", "noon"),
    "LOOK_AGIAN": ("10",),
}


@pytest.mark.parametrize("count", EXAMPLES)
def test_settings(tmp_path, count):
    """A value that is none is refused with the variable's name; no secret is in what is said."""
    from pydantic import ValidationError

    from risk_pipeline.sessions import CalendarError
    from risk_pipeline.settings import Settings

    usable = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), max_size=12)
    possible = {
        name: st.sampled_from([value for value in values if "\x00" not in value]) | usable
        for name, values in SETTINGS.items()
    }
    chosen = st.lists(st.sampled_from(sorted(SETTINGS)), min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: possible[name] for name in names})
    )
    others = {name: value for name, value in os.environ.items() if not name.startswith("RISK_PIPELINE_")}

    def door(values: dict[str, str]) -> None:
        variables = {f"RISK_PIPELINE_{name}": value for name, value in values.items()}
        with mock.patch.dict(os.environ, {**others, **variables, "RISK_PIPELINE_HOME": str(tmp_path)}, clear=True):
            try:
                found = Settings()
                _ = found.url, found.panel_location, found.proxy_sessions, found.market.identity
            except ValidationError as refused:
                for problem in refused.errors(include_url=False, include_input=False):
                    assert "hush-hush" not in problem["msg"]
                    assert is_sentence(f"{problem['loc']}: {problem['msg']}"), problem
            except CalendarError as refused:
                assert is_sentence(str(refused)), refused  # noqa: PT017
            else:
                assert "hush-hush" not in repr(found)

    tried(count, door, values=chosen)


COMMANDS = ("run", "rebuild", "plan", "prune", "show", "calibrate")
OPTIONS = ("--date", "--from", "--to", "--last", "--partition-range", "--before", "--portfolio")
RANGES = ("2025-01-02...2025-01-31", "2025-01-10...2025-01-07", "a...b", "...", "1...2...3", "-1", "0")


@pytest.mark.parametrize("count", EXAMPLES)
def test_dates_on_the_command_line(tmp_path, count):
    """Words that are no date end in a usage message or a sentence; the commands themselves are not carried out."""
    from typer.main import get_command

    from risk_pipeline import cli
    from risk_pipeline.cli import which_sessions
    from risk_pipeline.cli.terminal import UserError

    engine = migrated_sqlite(tmp_path / "risk.db")
    command = get_command(cli.app)
    words = st.sampled_from([*DAYS, *RANGES]) | CELLS
    options = st.lists(st.tuples(st.sampled_from(OPTIONS), words), min_size=1, max_size=3)

    def door(name: str, given_options: list[tuple[str, str]]) -> None:
        found: dict[str, object] = {}
        target = command.commands[name]
        said = io.StringIO()
        stopped = pytest.raises(SystemExit)
        instead = mock.patch.object(target, "callback", lambda **chosen: found.update(chosen))
        with instead, redirect_stdout(said), redirect_stderr(said), stopped as ended:
            target.main([word for pair in given_options for word in pair], prog_name=name)
        assert ended.value.code in (0, 2)
        if ended.value.code == 2:
            assert "Traceback" not in said.getvalue()
            return
        if name not in ("run", "rebuild", "plan"):
            return
        ends = {key: found.get(key) for key in ("date_", "from_", "to", "last")}
        try:
            if found.get("partition_range") is not None:
                ends["from_"], ends["to"] = which_sessions.range_ends(found["partition_range"])
            which_sessions.wanted_sessions(engine, *ends.values())
        except UserError as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017

    tried(count, door, name=st.sampled_from(COMMANDS), given_options=options)
    engine.dispose()
