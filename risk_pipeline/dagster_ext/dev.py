"""Webserver and daemon for one's own machine: what ``dg dev`` starts, whether or not ``dg`` is installed."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

WORKSPACE = Path(__file__).parent / "workspace.yaml"


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out that the checkout's ``dagster.yaml`` isn't used: it is the home's too, for a bare ``dg dev``."""
    return not record.getMessage().startswith("Found a dagster instance configuration value")


def start_dev(host: str, port: int) -> None:
    """Start webserver and daemon on ``DAGSTER_HOME`` and wait until they are interrupted."""
    from dagster._cli.dev import dev_command_impl
    from dagster_shared.cli import WorkspaceOpts

    # A shell without job control starts background commands with SIGINT ignored, and Dagster stops its children by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.getLogger("dagster").addFilter(_is_news)
    dev_command_impl(
        code_server_log_level="warning",
        log_level="info",
        log_format="colored",
        host=host,
        port=str(port),
        use_legacy_code_server_behavior=False,
        shutdown_pipe=None,
        verbose=False,
        workspace_opts=WorkspaceOpts(workspace=[str(WORKSPACE)]),
    )
