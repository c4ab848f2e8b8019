"""What Dagster's storage failed with under a run: that storage can't keep it, and Dagster itself may not say it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..dagster_ext.history import history_errors_told
from ..storage.batch_runs import note_error
from ..storage.errors import StorageError
from .run_tags import PID_TAG

if TYPE_CHECKING:
    import dagster as dg
    import sqlalchemy as sa

logger = logging.getLogger("risk_pipeline.runs")


@contextmanager
def last_words(engine: "sa.Engine", run: "dg.DagsterRun") -> Iterator[None]:
    """Put errors of Dagster's storage into the log of the run's process, and the last into ``batch_runs``.

    Whoever ends the run as dead finds it there, and puts it on the run's page. The command line speaks for itself.
    """
    heard: list[str] = []

    def hear(error: StorageError) -> None:
        if str(error) not in heard and PID_TAG not in run.tags:
            logger.error("run %s: %s", run.run_id[:8], error)
        heard.append(str(error))

    try:
        with history_errors_told(hear):
            yield
    finally:
        if heard:
            with suppress(StorageError):
                note_error(engine, run.run_id, heard[-1])
