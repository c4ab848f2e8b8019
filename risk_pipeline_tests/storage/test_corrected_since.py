"""Which computed sessions read a price that was corrected later, on both databases."""

from __future__ import annotations

import io
from datetime import date, datetime

import sqlalchemy as sa
from rich.console import Console

from risk_pipeline.cli import terminal
from risk_pipeline.storage import tables
from risk_pipeline.storage.result_inputs import corrected_since

DAYS = [date(2025, 6, day) for day in (2, 3, 4, 5)]


def store(engine: sa.Engine, correction: date, *, panels: list[int], symbol: str = "AAPL", kind: str = "price") -> None:
    """Sessions whose panels hold these revisions, and a revision 2 of a symbol's day; all sessions use AAPL."""
    panel = {"panel_hash": "0" * 64, "first_session": DAYS[0], "last_session": DAYS[-1], "symbols": 1}
    revision = {"kind": kind, "symbol": symbol, "first_session": correction, "last_session": correction}
    unused = {"observations": 0, "reason": "too_short"}
    with engine.begin() as connection:
        for row in (tables.price_panels, tables.symbol_volatility, tables.input_revisions):
            connection.execute(sa.delete(row))
        connection.execute(
            sa.insert(tables.price_panels),
            [{**panel, "session": day, "revision": known} for day, known in zip(DAYS, panels, strict=True)],
        )
        connection.execute(
            sa.insert(tables.symbol_volatility), [{**unused, "session": day, "symbol": "AAPL"} for day in DAYS]
        )
        connection.execute(sa.insert(tables.input_revisions), [{**revision, "revision": 2}])


def found(engine: sa.Engine) -> list[date]:
    return corrected_since(engine, DAYS[0], DAYS[-1])["session"].dt.date.tolist()


def test_sessions_from_the_corrected_one_on_that_were_not_computed_since(engine):
    store(engine, DAYS[1], panels=[1, 1, 1, 2])
    assert found(engine) == DAYS[1:3]
    store(engine, DAYS[1], panels=[2, 2, 2, 2])
    assert not found(engine)
    store(engine, DAYS[0], panels=[1, 1, 1, 1], symbol="UNUSED")
    assert not found(engine)
    store(engine, DAYS[0], panels=[1, 1, 1, 1], kind="profile")
    assert not found(engine)


def test_a_session_of_which_only_some_results_were_made_again(engine):
    """Its panel is new, and what nobody asked for is of the old one."""
    store(engine, DAYS[1], panels=[2, 2, 2, 2])
    made = {"fingerprint": "f", "registry": "r", "code_version": "c"}
    asked_before, corrected, since = (datetime(2025, 6, 6, hour) for hour in (18, 19, 20))
    at = {"portfolio_snapshots": asked_before, "volatility": since}
    rows = [{**made, "session": DAYS[2], "asset": asset, "made_at": when} for asset, when in at.items()]
    whole = [{**made, "session": DAYS[1], "asset": asset, "made_at": corrected} for asset in at]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.session_inputs), [*rows, *whole])
        connection.execute(sa.update(tables.input_revisions).values(known_at=corrected))
    assert found(engine) == [DAYS[2]]


def test_the_terminal_says_which_and_what_computes_them_again(engine, monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=said, width=400))
    store(engine, DAYS[1], panels=[1, 1, 1, 2])
    terminal.say_if_corrected_since(engine, DAYS[0], DAYS[-1])
    assert "AAPL were corrected after 2025-06-03 to 2025-06-04 (2 sessions) had been computed" in said.getvalue()
    assert "`risk-pipeline run --from 2025-06-03 --to 2025-06-04`" in said.getvalue()
    store(engine, DAYS[1], panels=[2, 2, 2, 2])
    said.truncate(0)
    terminal.say_if_corrected_since(engine, DAYS[0], DAYS[-1])
    assert "corrected" not in said.getvalue()
