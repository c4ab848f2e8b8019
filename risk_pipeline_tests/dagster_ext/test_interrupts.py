"""An interrupted run is cancelled wherever the interrupt meets it, and so is not alerted as a failure."""

from __future__ import annotations

import signal
import uuid

import dagster as dg
import pytest

from risk_pipeline.dagster_ext.interrupts import cancel_if_interrupted, cancel_unfinished, interrupts_between_writes

MOMENTS = ("STEP_START", "inside", "STEP_SUCCESS")


def run_interrupted(instance: dg.DagsterInstance, moment: str) -> dg.DagsterRun:
    """Run two steps, with SIGINT at a moment of the first one."""

    @dg.resource
    def price_source() -> None:
        if moment == "resource":
            signal.raise_signal(signal.SIGINT)

    @dg.op(required_resource_keys={"price_source"})
    def first() -> int:
        if moment == "inside":
            signal.raise_signal(signal.SIGINT)
        return 1

    @dg.op
    def second(one: int) -> int:
        return one

    @dg.job(resource_defs={"price_source": price_source}, executor_def=dg.in_process_executor)
    def steps() -> None:
        second(first())

    def interrupt(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event and event.event_type_value == moment and event.step_key == "first":
            signal.raise_signal(signal.SIGINT)

    run_id = str(uuid.uuid4())
    instance.add_event_listener(run_id, interrupt)
    instance.add_event_listener(run_id, lambda entry: cancel_if_interrupted(instance, entry))
    try:
        steps.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False)
    except dg.DagsterExecutionInterruptedError:
        cancel_unfinished(instance, run_id)
    return instance.get_run_by_id(run_id)


@pytest.mark.parametrize("moment", [*MOMENTS, "resource"])
def test_an_interrupted_run_is_cancelled(moment):
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_interrupted(instance, moment).status is dg.DagsterRunStatus.CANCELED


def test_a_run_that_fails_by_itself_is_failed():
    @dg.job
    def fails() -> None:
        @dg.op
        def refuse() -> None:
            raise ValueError("no prices")

        refuse()

    with dg.DagsterInstance.ephemeral() as instance:
        run_id = str(uuid.uuid4())
        instance.add_event_listener(run_id, lambda entry: cancel_if_interrupted(instance, entry))
        fails.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False)
        assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE


def test_an_interrupt_outside_of_steps_waits_until_the_end():
    done = []

    def write() -> None:
        with interrupts_between_writes():
            signal.raise_signal(signal.SIGINT)
            done.append("written")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["written"]
