"""The command line as a user meets it: what it prints, what it writes, and how it says no."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from pathlib import Path

import pytest

from risk_pipeline import cli
from risk_pipeline.defs.automation import catch_up
from risk_pipeline_tests.support import real_prices

PORTFOLIOS = "portfolio_id,name,inception_date,starting_equity\nmine,My book,2025-01-02,100000\n"
POSITIONS = (
    "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price\n"
    "mine,AAPL,STOCK,100,2025-01-02,200\nmine,tlt,etf,200,2025-01-02,95\n"
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("DAGSTER_HOME", "RISK_PIPELINE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("RISK_PIPELINE_DATABASE_URL", raising=False)
    from datetime import UTC, datetime

    monkeypatch.setattr(catch_up, "now", lambda: datetime(2025, 6, 14, 12, tzinfo=UTC))
    return tmp_path / "home"


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs a command and returns its exit code and what it printed."""

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["risk-pipeline", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return call


@pytest.fixture
def book(tmp_path) -> list[Path]:
    paths = [tmp_path / "portfolios.csv", tmp_path / "positions.csv"]
    for path, text in zip(paths, (PORTFOLIOS, POSITIONS), strict=True):
        path.write_text(text)
    return paths


def test_first_run_imports_the_demo_runs_and_says_what_next(home, run):
    code, out = run("run", "--last", "2")
    assert code == 0
    assert "Running 2 sessions, 2025-06-12 to 2025-06-13" in out
    for portfolio in ("growth", "family", "long_short", "funds", "private", "cash", "neutral", "failed", "trader"):
        assert portfolio in out
    assert "Next: risk-pipeline dev" in out
    assert "holds only private assets" in out
    assert (home / "reports" / "2025-06-13.html").exists()
    code, out = run("show", "--portfolio", "long_short", "--date", "2025-06-12")
    assert code == 0
    assert "IR Beta" in out
    assert "rates_up_100bp" in out
    assert "once in" in out


def test_calibrate_needs_a_session_and_then_prints_the_prior_variances_beside_the_registry_s(home, run):
    run("init")
    code, out = run("calibrate")
    assert code == 2
    assert "no snapshot yet" in out
    assert run("run", "--date", "2025-06-12")[0] == 0
    code, out = run("calibrate")
    assert code == 0
    assert "Prior variance by factor (suggested, registry)" in out
    assert "core_rates: " in out
    assert ", 7.3e-07" in out
    code, out = run("calibrate", "--date", "2025-06-11")
    assert code == 2
    assert "2025-06-11 has no price panel yet: `risk-pipeline run --date 2025-06-11` makes it" in out
    code, out = run("show", "--date", "2025-06-16")
    assert code == 2
    assert "2025-06-16 has not closed yet: the last closed session is 2025-06-13" in out


def test_own_portfolios_catch_up_rebuild_and_nothing_left_to_do(home, run, book, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_CATCH_UP_SESSIONS", "3")
    code, out = run("import", "--check", *book)
    assert (code, out) == (0, "Valid: 1 portfolio, 2 positions")
    assert not home.exists()
    assert run("import", *book)[0] == 0
    code, out = run("show")
    assert code == 2
    assert "`risk-pipeline run` makes them" in out
    code, out = run("run")
    assert code == 0
    assert "Running 3 sessions, 2025-06-11 to 2025-06-13" in out
    before = rows(home)
    code, out = run("run")
    assert code == 0
    assert "Nothing is missing" in out
    code, out = run("doctor")
    assert code == 0
    assert "✓ snapshots" in out
    code, out = run("rebuild", "--from", "2025-06-11", "--to", "2025-06-13")
    assert code == 0
    assert "prices are kept" in out
    assert "the newest is" not in out
    assert rows(home) == before


def rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(home / "risk.db") as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'batch_runs'"  # each run has a row
        names = [n for (n,) in connection.execute(query)]
        columns = {name: [c[1] for c in connection.execute(f'PRAGMA table_info("{name}")')] for name in names}
        kept = {name: ", ".join(f'"{c}"' for c in found if c != "made_at") for name, found in columns.items()}
        return {name: sorted(connection.execute(f'SELECT {kept[name]} FROM "{name}"'), key=repr) for name in names}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--date", "2025-06-16"], "2025-06-16 has not closed yet: the last closed session is 2025-06-13"),
        (["--date", "2025-06-14"], "holds no session of XNYS; the one before is 2025-06-13"),
        (["--date", "2025-06-08"], "holds no session of XNYS; the one before is 2025-06-06"),
        (["--date", "2014-06-02"], "set RISK_PIPELINE_FIRST_SESSION"),
        (["--from", "2025-06-02"], "--from and --to go together"),
        (["--from", "2025-06-05", "--to", "2025-06-02"], "is after --to"),
        (["--last", "2", "--date", "2025-06-02"], "give one of"),
        (["--partition-range", "2025-06-05...2025-06-02"], "ends before it begins: write the earlier session first"),
        (["--partition-range", "2025-06-05"], "is no range of days: write 2025-01-02...2025-01-31"),
        (["--partition-range", "spring...summer"], "is no range of days"),
    ],
)
def test_dates_that_can_t_be_run_are_refused_with_a_remedy(home, run, book, words, says):
    run("import", *book)
    code, out = run("run", *words)
    assert code == 2
    assert says in out
    assert "Traceback" not in out


def test_a_bad_import_names_every_row_and_changes_nothing(home, run, book):
    run("import", *book)
    before = rows(home)
    book[1].write_text(
        POSITIONS + "nobody,SPY,PUBLIC,10,2025-01-02,500\nmine,SPY,STONK,1.000,5,2025-13-01,500\nmine,SPY,,0,x,-1\n"
    )
    code, out = run("import", *book)
    assert code == 2
    assert "positions.csv, line 4, portfolio_id: 'nobody' is no portfolio" in out
    assert "positions.csv, line 5: has 7 fields where the header has 6" in out
    assert "line 6, investment_class" in out
    assert "nothing was imported" in out
    assert rows(home) == before


def test_settings_that_are_wrong_are_named(home, run, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_MARKET__SOURCE", "bloomberg")
    code, out = run("doctor")
    assert code == 2
    assert "RISK_PIPELINE_MARKET__SOURCE" in out
    assert "simulated" in out
    monkeypatch.setenv("RISK_PIPELINE_MARKET__SOURCE", "simulated")
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", "mysql://someone:sentinel-password@host/db")
    code, out = run("doctor")
    assert code == 1  # doctor reports it and goes on
    assert "mysql is not supported" in out
    assert "sentinel" not in out


def test_without_portfolios_a_real_source_asks_for_them(home, run, monkeypatch, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text("date,symbol,close\n2025-06-13,SPY,600\n")
    monkeypatch.setenv("RISK_PIPELINE_MARKET__SOURCE", "files")
    monkeypatch.setenv("RISK_PIPELINE_MARKET__PATH", str(prices))
    code, out = run("run")
    assert code == 2
    assert "risk-pipeline import portfolios.csv positions.csv" in out


def test_demo_files_can_be_written_and_imported(home, run, tmp_path, monkeypatch):
    from datetime import UTC, datetime

    monkeypatch.setattr(catch_up, "now", lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))  # its lots are of until then
    code, out = run("demo", "--write", tmp_path / "demo")
    assert code == 0
    files = sorted((tmp_path / "demo").glob("*.csv"))
    assert {file.stem for file in files} == {"portfolios", "positions", "flows", "marks"}
    code, out = run("import", *files)
    assert code == 0
    assert "11 portfolios" in out


def test_a_run_that_fails_says_why_and_ends_with_one(home, run, book, monkeypatch):
    from risk_pipeline.market.simulated import SimulatedMarket
    from risk_pipeline.market.source import SourceError

    def refuse(self, symbols, sessions):
        raise SourceError("the service is closed: try again later")

    run("import", *book)
    monkeypatch.setattr(SimulatedMarket, "fetch", refuse)
    code, out = run("run", "--date", "2025-06-13")
    assert code == 1
    assert "the service is closed: try again later" in out
    assert "The run failed" in out
    assert "Traceback" not in out


def test_plan_prices_a_range_and_writes_nothing(home, run):
    assert run("run", "--last", "2")[0] == 0
    database = home / "risk.db"
    with sqlite3.connect(database) as connection:
        before = list(connection.iterdump())
    code, out = run("show", "--portfolio", "Nobody [red]")
    assert code == 2
    assert "there is no portfolio 'Nobody [red]'; there are cash, failed," in " ".join(out.split())
    assert run("show", "--portfolio", "Nobody [red]", "--format", "json") == (code, out)
    code, out = run("show", "--portfolio", "growth", "--format", "json")
    stored = json.loads(out)
    assert stored["session"] == stored["position_values"][0]["session"] == "2025-06-13"
    for name in ("pnl_explain", "risk_changes", "benchmark_risk", "active_exposures", "sector_exposures"):
        assert {row["portfolio_id"] for row in stored[name]} == {"growth"}
    assert "2025-06-14 is no session of XNYS; the one before is 2025-06-13" in run("show", "--date", "2025-06-14")[1]
    code, out = run("plan", "--from", "2025-06-09", "--to", "2025-06-13")
    assert code == 0
    assert "5 sessions, 2025-06-09 to 2025-06-13; 2 of them complete already." in out
    assert "judged from the last 1 recorded run" in out
    with sqlite3.connect(database) as connection:
        assert list(connection.iterdump()) == before
        (stored,) = connection.execute(
            "select count(*) from stress_test_results where session = '2025-06-13'"
        ).fetchone()
    assert f"stress_test_results {5 * stored:,}" in out
    assert run("plan", "--from", "2025-06-13", "--to", "2025-06-09")[0] == 2
    said = {name: int(count.replace(",", "")) for name, count in re.findall(r"(\w+) ([\d,]+)(?:,| …)", out)}
    assert run("run", "--from", "2025-06-09", "--to", "2025-06-13")[0] == 0
    with sqlite3.connect(database) as connection:
        for name in ("stress_test_results", "symbol_factor_exposures"):
            (made,) = connection.execute(f'select count(*) from "{name}" where session >= "2025-06-09"').fetchone()
            assert made == pytest.approx(said[name], rel=0.05)
    assert "5 of them complete already" in run("plan", "--from", "2025-06-09", "--to", "2025-06-13")[1]


def test_pruning_shows_asks_and_leaves_a_session_that_is_complete_shown_and_rebuilt(home, run, book, monkeypatch):
    run("import", *book)
    run("run", "--last", "2")

    def positions() -> int:
        with sqlite3.connect(home / "risk.db") as connection:
            return connection.execute("SELECT count(*) FROM position_values WHERE session = '2025-06-12'").fetchone()[0]

    before = positions()
    assert before == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out = run("prune", "--before", "2025-06-13")
    assert (code, positions()) == (0, before)
    assert "position_values 2" in out
    assert "Nothing was deleted" in out
    code, out = run("prune", "--before", "2025-06-13", "--yes")
    assert (code, positions()) == (0, 0)
    assert "Nothing to prune" in run("prune", "--before", "2025-06-13", "--yes")[1]
    code, out = run("show", "--date", "2025-06-12")
    assert code == 0
    assert "mine" in out
    code, out = run("rebuild", "--from", "2025-06-12", "--to", "2025-06-12")
    assert code == 0
    assert "This is 2025-06-12, the last session of the run; the newest is 2025-06-13: `risk-pipeline show`." in out
    assert positions() == before


def test_version_and_help_name_the_exit_codes_and_make_no_home(home, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for word in ("--version", "--help"):
        code, out = run(word)
        assert code == 0
        assert ("Exit codes: 0 done; 1" in out) == (word == "--help")
    assert run("run", "--help")[0] == 0
    assert re.fullmatch(r"risk-pipeline \d+\.\d+\.\d+\S*", run("--version")[1])
    assert list(tmp_path.iterdir()) == []


def test_quiet_prints_errors_only(home, run, book):
    assert run("--quiet", "import", *book) == (0, "")
    assert run("--quiet", "run", "--date", "2025-06-13") == (0, "")
    assert run("-q", "show") == (0, "")
    code, out = run("--quiet", "run", "--date", "2025-06-16")
    assert code == 2
    assert out.startswith("error: 2025-06-16 has not closed yet")


def test_after_a_first_short_run_the_doctor_finds_nothing_wrong_and_after_a_hole_it_does(home, run, book):
    groups = book[0].with_name("groups.csv")
    groups.write_text("group,portfolio\nall_of_it,mine\n")
    run("import", *book, groups)
    assert run("run", "--last", "2")[0] == 0
    code, out = run("doctor")
    assert code == 0, out
    assert "✓ snapshots: complete from 2025-06-12 on; the " in out
    assert "✓ portfolios: 1 imported, and 1 group of them" in out
    assert f"✓ instance: {home / 'dagster.yaml'}, history kept by PooledSqliteEventLog; as shipped" in out
    with sqlite3.connect(home / "risk.db") as connection:
        connection.execute("DELETE FROM portfolio_snapshots WHERE session = '2025-06-13'")
    kept = home / "calendars" / "XNYS.json"
    kept.unlink(missing_ok=True)
    kept.mkdir(parents=True)
    code, out = run("doctor")
    assert code == 1
    assert f"✗ calendar: XNYS, last closed session 2025-06-13; {kept} can't be written" in out
    assert "✗ snapshots: " in out


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("telemetry: {enabled: false}\n", "lacks a limit of the pools (two runs could write at once), granularity"),
        ("concurrency: {pools: {granularity: run, default_limit: 1}, runs: {max_concurrent_runs: 4}}\n", "telemetry"),
        ("concurrency: [\n", "can't be used"),
        ("no_such_setting: 1\n", "can't be used"),
    ],
)
def test_doctor_says_what_a_configuration_lacks_and_how_to_get_the_shipped_one(home, run, config, says):
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(config)
    code, out = run("doctor")
    assert code == 1
    assert f"✗ instance: {home / 'dagster.yaml'}" in out
    assert says in out
    (home / "dagster.yaml").unlink()
    assert run("init")[0] == 0
    assert "✓ instance" in run("doctor")[1]


def test_a_portfolio_is_removed_with_all_its_rows_and_no_other(home, run, book, monkeypatch):
    book[0].write_text(PORTFOLIOS + "other,Other,2025-01-02,100000\n")
    book[1].write_text(POSITIONS + "other,FUND A,PRIVATE,10,2025-01-02,100\nother,MSFT,STOCK,10,2025-01-02,400\n")
    run("import", *book)
    assert run("run", "--last", "2")[0] == 0
    before = rows(home)
    monkeypatch.setattr("typer.confirm", lambda text: False)
    code, out = run("remove", "mine")
    assert (code, out.endswith("Nothing was deleted.")) == (1, True)
    assert re.search(r" portfolios 1 .* rows of mine go", out)
    assert rows(home) == before
    code, out = run("remove", "mine", "--yes")
    assert (code, "Removed mine" in out) == (0, True)
    after = rows(home)
    versions, earlier = (found.pop("book_versions") for found in (after, before))
    assert versions[:-1] == earlier
    assert versions[-1][1:3] == (0, 3)  # a portfolio and its two lots ended
    for name in ("book_rows", "database_facts"):  # what was imported, and what is, of these versions
        assert after.pop(name) != before.pop(name)
    assert {name: [row for row in found if "mine" not in row] for name, found in before.items()} == after
    assert "other" in str(after["portfolio_snapshots"])
    code, out = run("remove", "mine", "--yes")
    assert code == 2
    assert "there is no portfolio 'mine'; there are other" in out


@pytest.fixture
def old_prices(book, monkeypatch):
    """Real prices that end on the last session of 2022, and a portfolio of that time."""
    monkeypatch.setenv("RISK_PIPELINE_MARKET__SOURCE", "files")
    monkeypatch.setenv("RISK_PIPELINE_MARKET__PATH", str(real_prices.PATH))
    for path in book:
        text = path.read_text().replace("2025-01-02", "2022-12-05").replace("AAPL", "SPY")
        path.write_text(text.replace(",200\n", ",396.25\n").replace(",95\n", ",104.54\n"))


def test_prices_of_the_past_are_run_up_to_their_last_session(home, run, book, old_prices):
    assert run("import", *book)[0] == 0
    code, out = run("run", "--last", "2")
    assert code == 0, out
    assert "The prices end on 2022-12-30: 2022-12-30 is the newest session to run." in out
    assert "Running 2 sessions, 2022-12-29 to 2022-12-30" in out
    code, out = run("run")
    assert code == 0, out
    assert "Running 17 sessions, 2022-12-05 to 2022-12-28" in out  # the others are complete
    code, out = run("run")
    assert (code, "Nothing is missing" in out) == (0, True)
    code, out = run("doctor")
    assert code == 0, out
    assert "where its prices end: sessions up to 2022-12-30 can be run" in out
    for words in (["--date", "2025-06-13"], ["--from", "2022-12-29", "--to", "2023-01-03"]):
        code, out = run("run", *words)
        assert code == 2
        assert "the prices end on 2022-12-30: the newest session to run is 2022-12-30" in out


def test_prices_that_are_only_late_fail_as_before(home, run, book, old_prices, monkeypatch):
    from datetime import UTC, datetime

    monkeypatch.setattr(catch_up, "now", lambda: datetime(2023, 1, 5, 12, tzinfo=UTC))
    assert run("import", *book)[0] == 0
    code, out = run("run", "--last", "1")
    assert code == 1
    assert "The run failed" in out
