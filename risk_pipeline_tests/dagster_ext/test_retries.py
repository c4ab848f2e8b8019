"""A retry is not lost, whenever Dagster's daemon looks between the writes of one failure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.storage.tags import BACKFILL_ID_TAG, WILL_RETRY_TAG

from risk_pipeline.dagster_ext import retries
from risk_pipeline.dagster_ext.instance import SHIPPED

LOG = logging.getLogger(__name__)
STARTED, FAILURE, SUCCESS = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS


@dg.job
def job() -> None:
    """A job of no steps."""


@pytest.fixture
def instance(tmp_path, monkeypatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    text = (SHIPPED / "sqlite.yaml").read_text()
    (tmp_path / "dagster.yaml").write_text(text + "\nrun_retries: {enabled: true, max_retries: 2}\n")
    with dg.DagsterInstance.get() as opened:
        opened.run_coordinator  # noqa: B018  as in every process that submits or runs
        yield opened


def new_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus = STARTED) -> dg.DagsterRun:
    return instance.create_run_for_job(job, status=status, tags={BACKFILL_ID_TAG: "chunks"})


def test_who_sees_a_run_failed_sees_that_it_will_be_retried(instance, monkeypatch):
    run, tags = new_run(instance), []
    store = instance.run_storage.handle_run_event

    def look(run_id, event, *arguments):
        tags.append(instance.get_run_by_id(run_id).tags.get(WILL_RETRY_TAG))
        store(run_id, event, *arguments)

    monkeypatch.setattr(instance.run_storage, "handle_run_event", look)
    instance.report_run_failed(run)
    assert tags == ["true"]
    assert instance.get_run_by_id(run.run_id).is_complete_and_waiting_to_retry


def test_the_last_retry_is_not_retried(instance):
    run = new_run(instance)
    instance.add_run_tags(run.run_id, {"dagster/max_retries": "0"})
    instance.report_run_failed(run)
    assert instance.get_run_by_id(run.run_id).tags[WILL_RETRY_TAG] == "false"


@pytest.mark.parametrize(("ends", "retried"), [(True, 1), (False, 0)])
def test_a_failure_whose_run_has_no_status_yet_is_waited_for(instance, monkeypatch, ends, retried):
    run, given = new_run(instance), []
    monkeypatch.setattr(retries, "LOOKS", 3)
    monkeypatch.setattr(retries.time, "sleep", lambda _: instance.report_run_failed(run) if ends else None)

    def retry(context, records, logger):
        given.extend(record.dagster_run.status for record in records)
        yield

    records = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    list(retries.with_status(retry)(SimpleNamespace(instance=instance), records, LOG))
    assert given == [FAILURE] * retried


def test_a_backfill_with_a_failed_run_ends_at_the_second_look(instance):
    ended = retries.at_second_look(lambda *_: True)
    new_run(instance, SUCCESS)
    assert ended("chunks", instance, LOG)
    new_run(instance, FAILURE)
    assert [ended("chunks", instance, LOG) for _ in range(2)] == [False, True]


def test_a_backfill_whose_runs_went_on_is_looked_at_twice_again(instance):
    answers = iter([True, False, True, True])
    ended = retries.at_second_look(lambda *_: next(answers))
    new_run(instance, FAILURE)
    assert [ended("chunks", instance, LOG) for _ in range(4)] == [False, False, False, True]
