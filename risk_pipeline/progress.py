"""Progress of a run on the terminal: a line per step as it ends, and every error in full."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg
    from rich.console import Console


@contextmanager
def follow(instance: dg.DagsterInstance, console: Console) -> Iterator[str]:
    """Yield the id for a run whose events are printed while it works.

    Dagster logs every event of an in-process run to the terminal as well; that is silenced here.
    """
    import logging

    import dagster as dg

    run_id = str(uuid.uuid4())
    started: dict[str, float] = {}

    def print_event(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            if entry.level >= logging.WARNING:
                console.print(f"  [yellow]{entry.user_message}[/]", highlight=False)
            return
        if event.event_type is dg.DagsterEventType.STEP_START:
            started[event.step_key or ""] = entry.timestamp
            status.update(f"{event.step_key} …")
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            seconds = entry.timestamp - started.get(event.step_key or "", entry.timestamp)
            console.print(f"  [green]✓[/] {event.step_key} [dim]{seconds:.1f} s[/]", highlight=False)
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            text = event.step_failure_data.user_failure_data
            console.print(
                f"  [red]✗[/] {event.step_key}: "
                f"{text.description if text else cause.message.strip() if cause else 'failed'}",
                highlight=False,
                markup=True,
            )

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with console.status("starting …") as status:
        instance.add_event_listener(run_id, print_event)
        yield run_id
