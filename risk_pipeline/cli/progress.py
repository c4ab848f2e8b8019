"""Progress of a run on the terminal: a line per asset as it ends, failed checks, and errors in one line."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

if TYPE_CHECKING:
    import dagster as dg
    from rich.console import Console


@contextmanager
def follow(instance: dg.DagsterInstance, console: Console) -> Iterator[str]:
    """Yield the id for a run whose events are printed as they happen; an interrupt cancels it."""
    from ..dagster_ext.interrupts import cancel_if_interrupted

    run_id = str(uuid.uuid4())
    with console.status("starting …") as status:
        printer = _Printer(console, status)
        instance.add_event_listener(run_id, printer.print)
        instance.add_event_listener(run_id, lambda entry: cancel_if_interrupted(instance, entry))
        try:
            yield run_id
        finally:
            printer.say_failed_checks()
            printer.say_steps_not_run()


NOT_RUN = "Dependencies for step"
"""Begins what Dagster says of each step after one that failed."""


class _Printer:
    def __init__(self, console: Console, status: object) -> None:
        self.console = console
        self.status = status
        self.started: dict[str, float] = {}
        self.failed: dict[str, list[dg.AssetCheckEvaluation]] = {}
        self.not_run = 0

    def print(self, entry: dg.EventLogEntry) -> None:
        """Print the events that matter to an operator."""
        import dagster as dg

        from ..dagster_ext.interrupts import is_interrupt

        event = entry.dagster_event
        if event is None:
            if entry.user_message.startswith(NOT_RUN):
                self.not_run += 1
            elif int(entry.level) >= logging.WARNING:
                self._say(f"[yellow]{escape(entry.user_message)}[/]")
            return
        step = event.step_key or ""
        if event.event_type is dg.DagsterEventType.STEP_START:
            self.started[step] = entry.timestamp
            self.status.update(f"{step} …")  # type: ignore[attr-defined]
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and step in self.started:
            seconds = entry.timestamp - self.started.pop(step)
            self._say(f"[green]✓[/] {step} [dim]{seconds:.1f} s[/]")
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                self.failed.setdefault(check.check_name, []).append(check)
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            self.say_failed_checks()
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE:
            self.say_failed_checks()
            if is_interrupt(event):
                return
            self._say(f"[red]✗[/] {step}: {escape(_reason(event))}")

    def say_failed_checks(self) -> None:
        """Print a line for each failed check: what it says of the newest session, and of how many others it failed."""
        import dagster as dg

        for name, evaluations in self.failed.items():
            check = max(evaluations, key=lambda one: str(one.partition or ""))
            colour = "red" if check.severity is dg.AssetCheckSeverity.ERROR else "yellow"
            when = f" on {check.partition}" if check.partition else ""
            more = f" (and on {len(evaluations) - 1} more)" if len(evaluations) > 1 else ""
            asset = check.asset_key.to_user_string()
            self._say(f"[{colour}]![/] check {name} of {asset}{when}: {escape(check.description or '')}{more}")
        self.failed.clear()

    def say_steps_not_run(self) -> None:
        """Print how many steps were not run since one before them failed."""
        if self.not_run:
            self._say(f"[dim]{self.not_run} steps after it were not run[/]")

    def _say(self, text: str) -> None:
        self.console.print(f"  {text}", highlight=False, soft_wrap=True)


def _reason(event: dg.DagsterEvent) -> str:
    """Return why a step failed, without its stack."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else "it did not say why"
