"""Failures of a step with cause and remedy on the run's page; while the database is unavailable the step waits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from ...config.errors import ConfigError
from ...market.source import SourceError
from ...sessions import NoSessionError
from ...storage.errors import DatabaseAwayError, StorageError

P = ParamSpec("P")
R = TypeVar("R")

WAITS = (5.0, 10.0, 20.0)
"""Seconds before each further try of a step whose database is away."""


def with_remedy(step: Callable[P, R]) -> Callable[P, R]:
    """Turn errors that a person can fix into failures with the remedy; wait while the database is unavailable.

    A step can be run again at any moment, since it replaces whole partitions.
    """

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except DatabaseAwayError as error:
            context = dg.OpExecutionContext.get()
            if context.retry_number >= len(WAITS):
                raise dg.Failure(str(error), allow_retries=False) from error
            wait = WAITS[context.retry_number]
            context.log.warning(f"{error}; trying again in {wait:.0f} s")
            raise dg.RetryRequested(max_retries=len(WAITS), seconds_to_wait=wait) from error
        except (StorageError, SourceError, ConfigError, NoSessionError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error

    return run
