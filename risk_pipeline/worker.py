"""What a worker runs: ``celery -A risk_pipeline.worker worker --concurrency 1``.

The broker and the rest come from the run launcher's configuration in ``DAGSTER_HOME/dagster.yaml``.
"""

from __future__ import annotations

import dagster as dg
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from . import definitions  # noqa: F401 (imported once here, each run starts at once)
from .dagster_ext.celery_launcher import WorkerRunLauncher

with dg.DagsterInstance.get() as instance:
    launcher = instance.run_launcher
    if not isinstance(launcher, WorkerRunLauncher):
        raise RuntimeError(
            f"DAGSTER_HOME={instance.root_directory} starts runs with {type(launcher).__name__}: "
            "move its dagster.yaml away, set DAGSTER_PG_URL and RISK_PIPELINE_BROKER_URL, and run `risk-pipeline init`"
        )
    app = launcher.celery
execute_job = create_execute_job_task(app)
resume_job = create_resume_job_task(app)
