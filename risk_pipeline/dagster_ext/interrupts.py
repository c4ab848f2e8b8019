"""Ctrl-C in a run of this process: its helpers don't notice, and the run is cancelled, not failed.

A terminal sends SIGINT to every process of its group. Dagster mirrors what a run prints with helper processes, which
would end with a traceback each; and it takes an interrupt that it didn't ask for as a failure.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster._core.execution import compute_logs
from dagster._core.execution.plan.objects import ErrorSource
from dagster._utils.interrupts import capture_interrupts, pop_captured_interrupt

INTERRUPTED = "Interrupted from the terminal"


@cache
def keep_sigint_from_helpers() -> None:
    """From now on start the helpers that mirror a run's output with SIGINT blocked; they are ended by SIGTERM."""
    start = compute_logs.execute_posix_tail

    @contextmanager
    def start_without_sigint(path: Any, stream: Any) -> Iterator[Any]:
        with ExitStack() as stack:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a child inherits the mask
            try:
                pids = stack.enter_context(start(path, stream))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield pids

    compute_logs.execute_posix_tail = start_without_sigint


@contextmanager
def interrupts_between_writes() -> Iterator[None]:
    """Let Ctrl-C interrupt the steps of a run, and wait while records of it are written and databases closed.

    Raises
    ------
    KeyboardInterrupt
        At the end, if one has waited.
    """
    with capture_interrupts():
        yield
        has_waited = pop_captured_interrupt()
    if has_waited:
        raise KeyboardInterrupt


def is_interrupt(event: dg.DagsterEvent) -> bool:
    """Return whether a step failed since it was interrupted."""
    return event.is_step_failure and event.step_failure_data.error_source is ErrorSource.INTERRUPT


def cancel_if_interrupted(instance: dg.DagsterInstance, entry: dg.EventLogEntry) -> None:
    """Record the run of an event as cancelled if the event says that it was interrupted."""
    event = entry.dagster_event
    if event is None:
        return
    if is_interrupt(event):  # inside a step: Dagster then ends the run as cancelled
        instance.report_run_canceling(_run(instance, entry), INTERRUPTED)
    elif event.is_job_failure and event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION:
        instance.report_run_canceled(_run(instance, entry), INTERRUPTED)  # between two steps


def cancel_unfinished(instance: dg.DagsterInstance, run_id: str) -> None:
    """Record as cancelled a run that was interrupted before its first step, if it has begun."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, INTERRUPTED)


def _run(instance: dg.DagsterInstance, entry: dg.EventLogEntry) -> dg.DagsterRun:
    run = instance.get_run_by_id(entry.run_id)
    assert run is not None  # noqa: S101 (an event of it was just stored)
    return run
