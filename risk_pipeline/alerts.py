"""The one alert hook: always the log, and a webhook where one is set."""

from __future__ import annotations

import logging
from typing import Any

import stamina

from .settings import Settings

logger = logging.getLogger("risk_pipeline.alerts")
SECONDS = 10


class HookFailed(Exception):
    """The webhook could not be reached or refused the alert; names the kind of error, never the address."""


def send_alert(text: str, **facts: Any) -> bool:
    """Log an alert and post it to ``RISK_PIPELINE_ALERT_WEBHOOK`` as JSON: ``text`` and the facts.

    A hook that fails is logged without its address, which may hold a token; returns whether the alert was delivered.
    """
    logger.error(text)
    hook = Settings().alert_webhook
    if hook is None:
        return True
    body = {"text": text, **{name: None if value is None else str(value) for name, value in facts.items()}}
    try:
        for attempt in stamina.retry_context(on=HookFailed, attempts=3, wait_initial=0.2, timeout=30):
            with attempt:
                _post(hook.get_secret_value(), body)
    except HookFailed as error:
        logger.error("the alert's webhook failed (%s): check RISK_PIPELINE_ALERT_WEBHOOK", error)
        return False
    return True


def _post(address: str, body: dict[str, str | None]) -> None:
    import requests

    try:
        requests.post(address, json=body, timeout=SECONDS).raise_for_status()
    except requests.RequestException as error:  # its text holds the address, and each retry is logged
        raise HookFailed(type(error).__name__) from None
