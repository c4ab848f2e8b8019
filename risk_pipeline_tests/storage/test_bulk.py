"""Rows in bulk, in and out, against SQLAlchemy's own way of writing and reading the same values."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import bulk, copy_rows
from risk_pipeline.storage.columns import checked_columns
from risk_pipeline.storage.database import open_engine, read_frame
from risk_pipeline.storage.errors import StorageError

TABLE = sa.Table(
    "every_kind",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.String(20)),
    sa.Column("day", sa.Date),
    sa.Column("time", sa.DateTime(timezone=False)),
    sa.Column("real", sa.Float),
    sa.Column("count", sa.Integer),
    sa.Column("flag", sa.Boolean),
    sa.Column("document", sa.JSON(none_as_null=True)),
)
ROWS = [
    (
        0,
        "Zürich % 'quoted'",
        date(1970, 1, 1),
        datetime(2025, 6, 30, 21, 0, 0, 123456),
        0.1 + 0.2,
        -3,
        True,
        {"a": [1]},
    ),
    (1, "", date(2199, 12, 31), datetime(1999, 12, 31), -1e-300, 2**31 - 1, False, [0.1, None, "x\n"]),
    (2, "line\nbreak\t\x1f", date(2000, 1, 1), datetime(2000, 1, 1), float("inf"), -(2**31) + 1, True, {}),
    (3, None, None, None, None, None, None, None),
    (
        4,
        "%(x)s 中文",
        date(1999, 12, 31),
        datetime(2025, 1, 1, 0, 0, 0, 1),
        1.7976931348623157e308,
        0,
        False,
        {"z": "é"},
    ),
]
NAMES = [column.name for column in TABLE.columns]


@pytest.fixture
def every_kind(engine):
    TABLE.create(engine)
    return engine


def frame(rows) -> pd.DataFrame:
    out = pd.DataFrame(rows, columns=NAMES)
    return out.astype({"text": object, "flag": object, "document": object})


def plain(engine) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(TABLE).order_by(TABLE.c.number))]


@pytest.mark.parametrize("few", [bulk.FEW, 0], ids=["few", "many"])
def test_rows_in_bulk_are_the_rows_that_one_by_one_inserts_make(every_kind, monkeypatch, few):
    monkeypatch.setattr(bulk, "FEW", few)
    with every_kind.begin() as connection:
        assert bulk.insert(connection, TABLE, checked_columns(TABLE, frame(ROWS), None)) == len(ROWS)
    assert plain(every_kind) == ROWS


def test_rows_are_brought_into_the_order_of_the_key_each_in_one_piece(every_kind):
    for order in ([4, 2, 0, 3, 1], [1, 0, 4, 3, 2]):
        columns = checked_columns(TABLE, frame([ROWS[place] for place in order]), None)
        assert columns[0].values.tolist() == [0, 1, 2, 3, 4]
    with every_kind.begin() as connection:
        bulk.insert(connection, TABLE, columns)
    assert plain(every_kind) == ROWS


def test_texts_of_a_key_are_ordered_by_code_point():
    table = sa.Table("keyed", sa.MetaData(), sa.Column("name", sa.String(9), primary_key=True))
    (column,) = checked_columns(table, pd.DataFrame({"name": ["é", "b", "a", "B", "_"]}), None)
    assert [column.texts[place] for place in column.values] == ["B", "_", "a", "b", "é"]


def test_reading_in_bulk_gives_what_was_inserted_one_by_one(every_kind):
    with every_kind.begin() as connection:
        connection.execute(sa.insert(TABLE), [dict(zip(NAMES, row, strict=True)) for row in ROWS])
    found = read_frame(every_kind, sa.select(TABLE), by=["number"])
    assert [str(kind) for kind in found.dtypes] == [
        *("int64", "object", "datetime64[s]", "datetime64[us]", "float64", "float64", "float64", "object")
    ]
    for name, *values in zip(NAMES, *ROWS, strict=True):
        for value, back in zip(values, found[name], strict=True):
            if type(value) is date:
                value = pd.Timestamp(value)  # noqa: PLW2901
            assert pd.isna(back) if value is None else back == value, (name, value, back)


def test_a_select_with_parameters_an_order_and_no_rows(every_kind):
    with every_kind.begin() as connection:
        connection.execute(sa.insert(TABLE), [dict(zip(NAMES, row, strict=True)) for row in ROWS])
    wanted = sa.select(TABLE.c.number, TABLE.c.text).where(TABLE.c.text.in_([ROWS[0][1], ROWS[4][1]]))
    assert read_frame(every_kind, wanted.order_by(TABLE.c.number.desc()))["number"].tolist() == [4, 0]
    nothing = read_frame(every_kind, wanted.where(TABLE.c.day > date(2190, 1, 1)))
    assert nothing.empty
    assert nothing.columns.tolist() == ["number", "text"]


def test_rows_that_begin_with_a_date_come_by_it_each_as_it_was_inserted(every_kind):
    kinds, numbers = [row[1:] for row in ROWS], range(60)
    rows = [(number, *kinds[number % 7 % 5][:1], kinds[number % 3][1], *kinds[number % 5][2:]) for number in numbers]
    rows += [(number, *kinds[number % 5]) for number in range(60, 90)]  # other texts from one date to the next, nulls
    with every_kind.begin() as connection:
        connection.execute(sa.insert(TABLE), [dict(zip(NAMES, row, strict=True)) for row in rows])
    columns = [TABLE.c[name] for name in ("day", *(name for name in NAMES if name != "day"))]
    found = read_frame(every_kind, sa.select(*columns), by=["number"])
    for name, value in ((name, found[name]) for name in NAMES):
        wanted = [row[NAMES.index(name)] for row in rows]
        assert (value.notna() == [one is not None for one in wanted]).all()
        same = [pd.Timestamp(one) if name == "day" else one for one in wanted if one is not None]
        assert value.dropna().tolist() == same
    days = read_frame(every_kind, sa.select(*columns))["day"].dropna()
    assert every_kind.dialect.name == "sqlite" or days.is_monotonic_increasing


@pytest.mark.parametrize("direction", [sa.asc, sa.desc])
def test_a_select_that_begins_with_a_date_keeps_its_own_order(every_kind, direction):
    with every_kind.begin() as connection:
        connection.execute(sa.insert(TABLE), [dict(zip(NAMES, row, strict=True)) for row in ROWS])
    ordered = sa.select(TABLE.c.day, TABLE.c.number).order_by(direction(TABLE.c.number))
    assert read_frame(every_kind, ordered)["number"].tolist() == sorted(range(5), reverse=direction is sa.desc)


def test_a_date_first_and_no_rows(every_kind):
    nothing = read_frame(every_kind, sa.select(TABLE.c.day, TABLE.c.text, TABLE.c.real, TABLE.c.document))
    assert [str(kind) for kind in nothing.dtypes] == ["datetime64[s]", "object", "float64", "object"]
    assert nothing.empty


def test_texts_share_one_string_for_each_different_text(every_kind):
    rows = [(number, ("ä", "b")[number % 2], date(2025, 1, 1 + number % 3), *[None] * 5) for number in range(12)]
    with every_kind.begin() as connection:
        connection.execute(sa.insert(TABLE), [dict(zip(NAMES, row, strict=True)) for row in rows])
    for columns in ((TABLE.c.day, TABLE.c.text), (TABLE.c.text,)):
        texts = read_frame(every_kind, sa.select(*columns))["text"].tolist()
        assert sorted(texts) == ["b"] * 6 + ["ä"] * 6
        assert len(set(map(id, texts))) == 2


def test_workers_of_postgres_do_not_mix_up_the_rows(new_migrated_postgres):
    engine = open_engine(new_migrated_postgres())
    TABLE.create(engine)
    with engine.begin() as connection:
        rows = pd.DataFrame({"number": range(100_000), **dict.fromkeys(NAMES[1:])})
        bulk.insert(connection, TABLE, checked_columns(TABLE, rows.astype(dict.fromkeys(NAMES[1:], object)), None))
    with engine.connect() as connection:
        for setting in ("parallel_setup_cost", "min_parallel_table_scan_size", "parallel_leader_participation"):
            connection.exec_driver_sql(f"SET {setting} = 0")
        assert bulk.read(connection, sa.select(TABLE.c.number))["number"].is_monotonic_increasing
    engine.dispose()


def test_more_rows_than_are_put_together_at_once(every_kind):
    rng = np.random.default_rng(3)
    count = 2 * copy_rows.AT_ONCE + 7
    rows = pd.DataFrame(
        {
            "number": np.arange(count),
            "text": rng.choice(np.array(["a", "bcd", "é" * 20, None], dtype=object), count),
            "day": np.datetime64("2025-01-01") + rng.integers(0, 900, count),
            "time": pd.NaT,
            "real": np.where(rng.random(count) < 0.3, np.nan, rng.standard_normal(count)),
            "count": rng.integers(0, 9, count),
            "flag": rng.random(count) < 0.5,
            "document": [{"row": number} if number % 3 else None for number in range(count)],
        }
    )
    with every_kind.begin() as connection:
        bulk.insert(connection, TABLE, checked_columns(TABLE, rows, None))
    back = read_frame(every_kind, sa.select(TABLE), by=["number"])
    for name in ("text", "day", "real", "count", "flag", "document"):
        there = rows[name].notna()
        assert (back[name].notna() == there).all()
        assert (back.loc[there, name] == rows.loc[there, name]).all()


def test_a_text_among_numbers_of_sqlite_is_refused_with_its_column(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'typed.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE every_kind (number, text, real)")
        connection.exec_driver_sql("INSERT INTO every_kind VALUES (1, 'a', 0.5), (2, 'b', 'n/a'), (3, 4, 1.5)")
    for column, message in (("real", "real holds 'n/a' and not a number"), ("text", "text holds 4 and not a text")):
        with pytest.raises(StorageError, match=message):
            read_frame(engine, sa.select(TABLE.c[column]))
    assert read_frame(engine, sa.select(TABLE.c.number))["number"].tolist() == [1, 2, 3]
