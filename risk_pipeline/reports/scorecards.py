"""The records of forecasts and value at risk, from the outcomes stored up to a session.

Read, not stored: a stored record would depend on which sessions had been run before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ..risk.scorecards import BACKTESTED, SCORED, against_rivals, value_at_risk_record, volatility_record
from ..storage.queries import read_outcomes, read_scores

if TYPE_CHECKING:
    import sqlalchemy as sa


def volatility_scorecard(
    engine: sa.Engine, last: date, entity_type: str = "portfolio", entities: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return ``volatility_record`` of the portfolios (or symbols, or some) on the forecasts met by ``last``."""
    return volatility_record(read_scores(engine, last, entity_type, SCORED, entities))


def symbols_scorecard(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return how the symbols' forecasts did against each rival."""
    return against_rivals(volatility_scorecard(engine, last, "symbol"))


def value_at_risk_scorecard(engine: sa.Engine, last: date, portfolio_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return ``value_at_risk_record`` of the portfolios (or some) on the last 250 sessions stored up to ``last``."""
    return value_at_risk_record(read_outcomes(engine, last, BACKTESTED, portfolio_ids))
