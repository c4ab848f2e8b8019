"""What a hostile or broken file can do at each door: be refused with its place and a remedy, and nothing else."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline import cli
from risk_pipeline.storage.tables import metadata

PORTFOLIOS = "portfolio_id,name,inception_date,starting_equity\n"
POSITIONS = "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price\n"
ROW = "mine,{symbol},STOCK,10,2025-01-02,100\n"
EVIL = (
    "'; DROP TABLE positions; --",
    "../../x",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "$(touch /tmp/x)",
    "[/red][link=file:///etc/passwd]x",
    "a\x1b[2Jb",
    "A" * 5_000,
)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    for name in ("DAGSTER_HOME", "RISK_PIPELINE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("RISK_PIPELINE_DATABASE_URL", raising=False)
    return tmp_path / "home"


@pytest.fixture
def run(home, capsys, monkeypatch):
    """Return a function that runs a command; it must end in words, never in a stack."""

    def call(*words: object) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["risk-pipeline", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        out = " ".join((said.out + said.err).split())
        assert "Traceback" not in out
        return code, out

    return call


def stored(home: Path) -> dict[str, int]:
    with sqlite3.connect(home / "risk.db") as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_an_import_refuses_hostile_ids_names_and_symbols_and_writes_nothing(run, home, tmp_path, evil):
    book, lots = tmp_path / "portfolios.csv", tmp_path / "positions.csv"
    lots.write_text(POSITIONS + ROW.format(symbol="SPY"))
    for fields in ((quoted(evil), "Mine"), ("mine", quoted(evil))):
        book.write_text(f"{PORTFOLIOS}{','.join(fields)},2025-01-02,1000\n")
        code, out = run("import", book, lots)
        if code == 0:  # any text may be a name: it is shown as text, wherever
            assert fields[0] == "mine"
            continue
        assert code == 2
        assert "nothing was imported" in out
    book.write_text(f"{PORTFOLIOS}fine,Mine,2025-01-02,1000\nmine,Mine,2025-01-02,1000\n")
    lots.write_text(POSITIONS + ROW.format(symbol=quoted(evil)))
    code, out = run("import", "--check", book, lots)
    assert code == 2
    assert "positions.csv, line 2, symbol" in out
    assert set(metadata.tables) <= set(stored(home))
    assert stored(home)["portfolios"] in (0, 1)
    assert not list(tmp_path.parent.glob("x*"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            PORTFOLIOS.encode() + b"mine," + b"x" * 10_000_000 + b",2025-01-02,1000\n",
            "line 2: is not CSV (field",
        ),
        (PORTFOLIOS.encode() + b"mi\0ne,Mine,2025-01-02,1000\n", "line 2: holds a null byte"),
        ((PORTFOLIOS + "mine,Mine,2025-01-02,1000\n").encode("utf-16")[:-1], "is not UTF-16"),
        (b"PK\x03\x04" + bytes(range(256)) * 40, "is no readable Excel file"),
        (b"\xd0\xcf\x11\xe0" + bytes(2000), "is an old Excel file"),
        (b"", "portfolios.csv: is empty"),
    ],
    ids=["10 MB field", "null byte", "half a UTF-16 character", "a zip file", "an old Excel file", "empty"],
)
def test_files_that_are_no_such_csv_are_refused_at_the_command_line(run, home, tmp_path, content, says):
    path = tmp_path / "portfolios.csv"
    path.write_bytes(content)
    code, out = run("import", path)
    assert code == 2
    assert says in out
    assert stored(home)["portfolios"] == 0


def test_any_name_of_a_file_and_of_a_portfolio_is_only_a_name(run, home, tmp_path):
    path = tmp_path / "[red]a; rm -rf $(HOME) `id`.csv"
    path.write_text(PORTFOLIOS + "mine,Mine,2025-13-02,1000\n")
    code, out = run("import", path)
    assert code == 2
    assert "[red]a; rm -rf $(HOME) `id`.csv, line 2, inception_date" in out
    for evil in (*EVIL, "../../../../etc/passwd", "x' OR '1'='1", "%00", ""):
        code, out = run("show", "--portfolio", evil)
        assert code == 2
        assert "no snapshot" in out


BOMB = "".join(f"{name}: &{name} [{', '.join([f'*{above}'] * 9)}]\n" for above, name in pairwise("abcdefghi"))


@pytest.mark.parametrize(
    "text",
    [
        "scenarios: !!python/object/apply:os.system ['touch taken_over']\n",
        "a: &a ['x']\n" + BOMB + "scenarios: *i\n",
        'scenarios:\n- {id: "\'; DROP TABLE positions; --", name: x, category: y, shocks: {Market: {return: -0.1}}}\n',
        "scenarios:\n- {id: ../../x, name: x, category: y, shocks: {Market: {return: -0.1}}}\n",
        "scenarios:\n- {id: mine, name: x, category: y, shocks: {'<script>': {return: -0.1}}}\n",
        "scenarios:\n- {id: mine, name: x, category: y, shocks: {Market: {return: .nan}}}\n",
        "scenarios:\n- {id: mine, name: x, category: y, replay: [2020-01-01, 9], shocks: {Market: {return: -0.1}}}\n",
        "scenarios: \0\n",
        "- " * 5_000,
    ],
    ids=["object", "billion laughs", "SQL", "path", "markup", "nan", "dates", "null byte", "depth"],
)
def test_a_hostile_scenario_file_is_refused(tmp_path, monkeypatch, text):
    from risk_pipeline.config.errors import ConfigError
    from risk_pipeline.config.factors import load_factors
    from risk_pipeline.config.scenario_file import load_scenarios

    path = tmp_path / "mine.yaml"
    path.write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"mine\.yaml") as refused:
        load_scenarios(load_factors(), path)
    assert len(str(refused.value)) < 5_000
    assert not (tmp_path / "taken_over").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"date,symbol,close\n2025-06-13,\0SPY,600\n", "SPY"),
        (b"date,symbol,close\n2025-06-13," + b"S" * 10_000_000 + b",600\n", "SPY"),
        (b"date,symbol,close\n2025-06-13,=cmd|' /C calc'!A0,600\n2025-06-13,'; DROP TABLE positions,6\n", "SPY"),
    ],
    ids=["null byte", "10 MB field", "formula"],
)
def test_a_hostile_price_file_is_refused_or_its_symbols_are_nobody_s(tmp_path, content, says):
    import pandas as pd

    from risk_pipeline.market.files import FileMarket
    from risk_pipeline.market.source import SourceError

    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    try:
        fetched = FileMarket(path).fetch(["SPY"], pd.DatetimeIndex(["2025-06-13"]))
    except SourceError as error:
        assert says in str(error) or "prices.csv" in str(error)  # noqa: PT017
    else:
        assert fetched.bars.empty
        assert says in fetched.errors


def test_a_parquet_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    """Twenty million equal rows are 200 kB on disk."""
    from risk_pipeline.market import file_tables
    from risk_pipeline.market.source import SourceError

    rows = 20_000_000
    index = pa.array(np.zeros(rows, dtype=np.int32))
    same = {
        "date": pa.DictionaryArray.from_arrays(index, pa.array(["2025-06-13"])),
        "symbol": pa.DictionaryArray.from_arrays(index, pa.array(["SPY"])),
        "close": pa.array(np.full(rows, 600.0)),
    }
    path = tmp_path / "prices.parquet"
    pq.write_table(pa.table(same), path, row_group_size=rows)
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(file_tables, "LARGEST", 200_000_000)
    monkeypatch.setattr(pq, "read_table", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(SourceError, match=r"holds 0\.5 GB"):
        file_tables.open_tables(path)
