"""Starts runs on workers of other machines, and notices when one of those machines is gone."""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

ANSWER_WITHIN = 15.0
"""Seconds. The process that answers is not the one that computes, so a busy worker answers too."""


class WorkerRunLauncher(CeleryRunLauncher):
    """Dagster's Celery launcher, but a run counts as healthy only while a worker says that it has it.

    Celery's record of a task stays "started" for ever when the machine under it dies, so that Dagster's run
    monitoring would never end the run.
    """

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the run's worker lives, asked from the worker itself."""
        task_id = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        task = self.celery.AsyncResult(task_id)
        if task.state == "STARTED":
            worker = task.info["hostname"]
            answer = self.celery.control.inspect([worker], timeout=ANSWER_WITHIN).query_task(task_id)
            if not (answer or {}).get(worker) and self.celery.AsyncResult(task_id).state == "STARTED":
                said = "has lost the run" if answer else f"has not answered for {ANSWER_WITHIN:.0f} s"
                return CheckRunHealthResult(WorkerStatus.FAILED, f"worker {worker} {said}")
        return super().check_run_worker_health(run)
