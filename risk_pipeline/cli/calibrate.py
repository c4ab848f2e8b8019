"""Which prior variances of the core model the user's own universe suggests; it changes nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ..analytics.factor_returns import relative_factors
from ..analytics.ridge_penalty import PriorVariances, prior_variances
from ..settings import Settings
from ..storage.market_data import panels_for
from ..storage.panel_store import PanelStore
from ..storage.price_panel import PanelError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..config.factors import FactorRegistry


def calibrate(engine: sa.Engine, factors: FactorRegistry, session: date) -> PriorVariances:
    """Return the prior variances of the symbols of a session's price panel, the factors' proxies left out.

    Raises
    ------
    PanelError : the session has no panel, or it lacks a proxy or enough symbols without a gap.
    """
    name = panels_for(engine, [session]).get(session)
    if name is None:
        Settings().sessions.require_session(session)
        raise PanelError(f"{session} has no price panel yet: `risk-pipeline run --date {session}` makes it")
    panel = PanelStore(*Settings().panel_location).open(name)
    column = {symbol: index for index, symbol in enumerate(panel.symbols)}
    core_symbols = factors.core_proxies
    if set(core_symbols) - set(column):
        raise PanelError(f"the panel of {session} lacks {', '.join(sorted(set(core_symbols) - set(column)))}")
    end = int(np.searchsorted(panel.dates, np.datetime64(session))) + 1
    style = factors.styles[0]
    returns = np.asarray(panel.returns[max(end - style.window, 0) : end])
    proxies = returns[:, [column[symbol] for symbol in core_symbols]]
    others = [index for symbol, index in column.items() if symbol not in factors.proxies]
    core = relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
    try:
        return prior_variances(returns[:, others], core, half_life=style.half_life, prior=np.array(factors.prior_mean))
    except ValueError as error:
        raise PanelError(f"{session}: {error}") from None
