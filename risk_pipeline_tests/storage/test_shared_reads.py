"""Rows that the checks of a step read once."""

from __future__ import annotations

from datetime import date

import pytest

from risk_pipeline.storage import tables as t
from risk_pipeline.storage.check_queries import exposures
from risk_pipeline.storage.shared_reads import reading_once

DAYS = [date(2025, 6, 27), date(2025, 6, 30)]


def store(engine, *names: str) -> None:
    row = {"portfolio_id": "P", "dollar_exposure": 1.0, "coverage": 1.0}
    with engine.begin() as connection:
        connection.execute(
            t.factor_exposures.insert(), [row | {"session": day, "factor_name": name} for name in names for day in DAYS]
        )


def count(engine, days=DAYS, factor="Market") -> int:
    return len(exposures(engine, days, factor))


def test_within_the_block_the_same_question_is_asked_once(engine):
    store(engine, "Market", "Rates")
    with reading_once():
        assert (count(engine), count(engine, DAYS[:1]), count(engine, factor="Rates")) == (2, 1, 2)
        with engine.begin() as connection:
            connection.execute(t.factor_exposures.delete())
        assert (count(engine), count(engine, DAYS[:1]), count(engine, factor="Rates")) == (2, 1, 2)
        assert count(engine, DAYS[1:]) == 0
    assert count(engine) == 0


def fail_after_reading(engine) -> None:
    with reading_once():
        count(engine)
        raise RuntimeError("the step failed")


def test_after_a_block_that_failed_rows_are_read_again(engine):
    with pytest.raises(RuntimeError, match="the step failed"):
        fail_after_reading(engine)
    store(engine, "Market")
    assert count(engine) == 2
    with reading_once():
        assert count(engine) == 2
