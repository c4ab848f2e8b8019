"""A run reads one version of the book from its first step to its last, whatever is imported meanwhile."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import queries, tables
from risk_pipeline.storage.book_versions import book_at, looking_at, newest_version, pinned_book
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.homes import FRAMES

LAST = date(2025, 7, 1)


def seen(engine) -> list[pd.DataFrame]:
    """Everything of the book that assets read."""
    return [
        queries.portfolios(engine),
        *(read(engine, LAST) for read in (queries.lots, queries.flows, queries.marks)),
        queries.symbol_needs(engine, date(2025, 6, 2), LAST),
        pd.DataFrame(queries.position_symbols(engine)),
        queries.portfolio_summary(engine)[0],
        queries.read_table(engine, "portfolios"),
    ]


def same(left: list[pd.DataFrame], right: list[pd.DataFrame]) -> None:
    for one, other in zip(left, right, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_version_reads_as_the_tables_do(engine):
    import_frames(engine, FRAMES)
    version = pinned_book(engine, "run").version
    same(seen(looking_at(engine, book_at(engine, version))), seen(engine))


def test_the_first_process_of_a_run_and_a_later_one_see_the_same_rows(engine):
    """The first reads the tables, a later one what was recorded of them."""
    import_frames(engine, FRAMES)
    first, later = (pinned_book(engine, "run") for _ in range(2))
    assert first.version == later.version == 1
    assert {*first.frames} == {*later.frames}
    for name, frame in first.frames.items():
        pd.testing.assert_frame_equal(frame, later.frames[name], check_exact=True, obj=name)
    assert len(first.frames["positions"]) > 1


def test_a_pinned_run_sees_no_later_import_and_the_next_run_does(engine):
    import_frames(engine, FRAMES)
    before = seen(engine)
    pinned = looking_at(engine, pinned_book(engine, "first"))
    positions = FRAMES["positions"].assign(quantity=lambda rows: rows["quantity"] * 3)
    import_frames(engine, {**FRAMES, "positions": positions})
    same(seen(pinned), before)
    assert pinned_book(engine, "first").version == 1  # another process of that run
    second = pinned_book(engine, "second").version
    assert second == newest_version(engine) == 2
    same(seen(looking_at(engine, book_at(engine, second))), seen(engine))
    same(seen(looking_at(engine, book_at(engine, 1))), before)


def test_removing_and_adding_again_are_versions_and_an_equal_import_is_none(engine):
    import_frames(engine, FRAMES)
    first = seen(engine)
    import_frames(engine, FRAMES)
    assert newest_version(engine) == 1
    with engine.begin() as connection:  # by hand: found by the next run
        for table in (tables.positions, tables.portfolios):
            connection.execute(sa.delete(table).where(table.c.portfolio_id == "hedged"))
    assert pinned_book(engine, "a").version == 2
    import_frames(engine, FRAMES)
    assert newest_version(engine) == 3
    same(seen(looking_at(engine, book_at(engine, 3))), first)
    assert "hedged" not in queries.portfolios(looking_at(engine, book_at(engine, 2)))["portfolio_id"].tolist()
    rows = queries.read_table(engine, "book_rows")
    assert len(rows) == 2 * 5 + (len(rows[rows["valid_to_version"].isna()]) - 5)  # nothing else was written twice


def test_there_is_no_version_but_those_recorded(engine):
    with pytest.raises(StorageError, match="has no version 1"):
        book_at(engine, 1)
