"""The alert about limits that were broken on the newest session."""

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...alerts import send_alert
from ...analytics.hashing import text_hash
from ...reports.limit_words import breach_sentence
from ...storage.limit_queries import BREACH, limit_rows
from ...storage.queries import latest_session
from ...storage.result_inputs import fact, record_fact

if TYPE_CHECKING:
    import sqlalchemy as sa

ALERTED = "limits_alerted"
"""The fact that says of which session, and which, breaches an alert has gone out."""
NAMED = 10


def alert_breaches(engine: "sa.Engine", first: date, last: date) -> bool:
    """Send one alert about the breaches of a run's last session that began in the run; return whether it did.

    Only where that session is the newest there is, so that a backfill alerts nobody; the same breaches once.
    """
    if last != latest_session(engine):
        return False
    rows = limit_rows(engine, last, last)
    rows = rows[(rows["status"] == BREACH) & (rows["since"] >= pd.Timestamp(first))]
    sentences = [breach_sentence(row) for row in rows.to_dict("records")]
    said = f"{last} {text_hash(repr(sorted(zip(rows['portfolio_id'], rows['measure'], strict=True)))):016x}"
    if not sentences or fact(engine, ALERTED) == said:
        return False
    more = f"; and {len(sentences) - NAMED} more" if len(sentences) > NAMED else ""
    count = f"{len(sentences)} limit{'s' if len(sentences) > 1 else ''}"
    text = f"risk_pipeline: {count} broken on {last}: {'; '.join(sentences[:NAMED])}{more}"
    if send_alert(text, session=last, breaches=len(sentences)):
        record_fact(engine, ALERTED, said)
    return True
