"""A registry, a setting or an option that is none is refused in a sentence, and no secret is said."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import strategies as st

from risk_pipeline_tests.support.databases import migrated_sqlite
from risk_pipeline_tests.support.doors import EXAMPLES, is_sentence, tried
from risk_pipeline_tests.support.hostile_files import CELLS, DAYS

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

    from risk_pipeline.exchange_days import CalendarError
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
    from risk_pipeline.sessions import NoSessionError

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
        except (UserError, NoSessionError) as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017

    tried(count, door, name=st.sampled_from(COMMANDS), given_options=options)
    engine.dispose()


SHOCKS = (
    *("Market=-0.10", "Rates=+100bp", "rates=-9e9bp", "Momentum=-5%", "EURUSD=-10%", "EUREUR=1", "EURUSD=-100%"),
    *(
        "Market=-1",
        "Market=-1.01",
        "Market=1e400",
        "Market=nan",
        "Market=",
        "=1",
        "Market=1=2",
        "Nobody=1",
        "Market=１",
    ),
)
POINTS = ("+20", "-20", "50%", "-100%", "1e400", "nan", "", "points", "+-3", "٣")


@pytest.mark.parametrize("count", EXAMPLES)
def test_shocks_of_one_s_own(count):
    from risk_pipeline.desk.inputs import StoredRegistries
    from risk_pipeline.desk.stress import own_scenario

    registries = StoredRegistries.of_settings()

    def door(shocks: list[str], volatility: str | None) -> None:
        try:
            scenario = own_scenario(shocks, volatility, registries)
        except ValueError as refused:
            said = str(refused)
            for text in filter(None, (*shocks, volatility)):  # Hypothesis knows the words that no sentence may hold
                said = said.replace(text.strip(), "…").replace(text.strip().partition("=")[0] or "…", "…")
            assert is_sentence(f"refused: {said}"), refused  # noqa: PT017
            assert "could not convert" not in said
        else:
            assert not {"inf", "-inf", "nan"} & {*re.findall(r"-?\w+", scenario.model_dump_json())}, scenario

    words = st.sampled_from(SHOCKS) | st.builds("{}={}{}".format, st.sampled_from(["Market", "Rates"]), CELLS, CELLS)
    tried(
        count, door, shocks=st.lists(words | CELLS, max_size=3), volatility=st.none() | st.sampled_from(POINTS) | CELLS
    )
