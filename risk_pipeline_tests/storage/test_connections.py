"""Connections to Postgres: pooled, replaced when they died, and no statement without an end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import tables as t
from risk_pipeline.storage.database import open_engine, replace_sessions, transaction
from risk_pipeline.storage.errors import DatabaseAwayError, StorageError
from risk_pipeline.storage.queries import read_table

DAY = date(2025, 6, 2)


@pytest.fixture(scope="module")
def url(new_migrated_postgres) -> str:
    return new_migrated_postgres()


@pytest.fixture
def postgres(url) -> Iterator[sa.Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


def sectors(net: float) -> pd.DataFrame:
    row = {"session": DAY, "portfolio_id": "p", "sector": "Energy", "net": net, "gross": 1.0, "gross_share": 1.0}
    return pd.DataFrame([row])


def backend(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()


def kill(url: str, process: int) -> None:
    other = open_engine(url)
    with other.connect() as connection:
        assert connection.execute(sa.text(f"SELECT pg_terminate_backend({process}, 10000)")).scalar_one()
    other.dispose()


def test_a_connection_is_used_again(postgres):
    assert backend(postgres) == backend(postgres)


def test_a_connection_that_died_is_replaced_before_it_is_used(postgres, url):
    replace_sessions(postgres, [DAY], {t.sector_exposures: sectors(1.0)})
    died = backend(postgres)
    kill(url, died)
    assert read_table(postgres, "sector_exposures")["net"].tolist() == [1.0]
    assert backend(postgres) != died


def test_a_writer_cut_off_leaves_the_old_rows_and_the_next_one_writes(postgres, url):
    replace_sessions(postgres, [DAY], {t.sector_exposures: sectors(1.0)})

    def cut_off() -> None:
        with transaction(postgres, t.sector_exposures) as connection:
            connection.execute(sa.delete(t.sector_exposures))
            kill(url, connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(DatabaseAwayError, match="start it"):
        cut_off()
    assert read_table(postgres, "sector_exposures")["net"].tolist() == [1.0]
    replace_sessions(postgres, [DAY], {t.sector_exposures: sectors(2.0)})
    assert read_table(postgres, "sector_exposures")["net"].tolist() == [2.0]


def test_a_statement_that_takes_too_long_is_ended_and_the_pool_stays_usable(postgres, url):
    with postgres.connect() as connection:
        assert connection.execute(sa.text("SHOW statement_timeout")).scalar_one() == "15min"
        assert connection.execute(sa.text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "15min"
    hasty = open_engine(f"{url}&options=-c statement_timeout=50ms")
    with (
        pytest.raises(StorageError, match=r"took too long.*statement timeout.*give it longer"),
        hasty.connect() as connection,
    ):
        connection.execute(sa.text("SELECT pg_sleep(60)"))
    with hasty.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
    hasty.dispose()
