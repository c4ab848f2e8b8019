"""The lease of a run: while one of its steps works, the database says so anew every few seconds."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from ..storage.batch_runs import LEASE, renew_lease
from ..storage.errors import StorageError

if TYPE_CHECKING:
    import sqlalchemy as sa


@contextmanager
def lease(engine: "sa.Engine", run_id: str) -> Iterator[None]:
    """Hold a run's lease; a renewal that the database refuses is tried again."""
    ended = Event()

    def renew() -> None:
        while not ended.wait(LEASE.total_seconds() / 3):
            with suppress(StorageError):
                renew_lease(engine, run_id)

    renew_lease(engine, run_id)
    thread = Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
