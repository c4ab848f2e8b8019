"""Portfolios that can't be valued, and why: an exchange rate is missing, or a lot's price can't be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D
from ..analytics.basis import Cause, doubtful_lots, entry_ratio, impossible_premiums
from ..analytics.reasons import Reason

if TYPE_CHECKING:
    from .inputs import Inputs

DETAIL = 200
"""Characters that the detail of a skip may have."""


def doubts(inputs: Inputs) -> tuple[np.ndarray, Float1D]:
    """Return why each lot's price can't be right, (L,) of Cause or None, and its entry price over the close."""
    lots, currencies = inputs.lots, inputs.currencies
    ratio = entry_ratio(lots, inputs.panel.dates, inputs.prices)
    quoted = currencies["quoted"]
    causes = doubtful_lots(
        ratio,
        lots.is_option,
        currencies["is_adjusted"].to_numpy(dtype=bool),
        (quoted.notna() & (quoted != currencies["currency"])).to_numpy(dtype=bool),
    )
    causes[impossible_premiums(lots, inputs.panel.dates, inputs.prices)] = Cause.PREMIUM
    causes[inputs.is_too_large] = Cause.SIZE
    return causes, ratio


def unvalued_rows(inputs: Inputs, analytic: str) -> pd.DataFrame | None:
    """Return the skip rows of portfolios that can't be valued, None if all can be.

    The detail names the lots, both prices and the likely cause, or the pairs.
    """
    if not inputs.book.is_unvalued.any():
        return None
    entered = inputs.panel.dates[inputs.ends][:, None] >= inputs.lots.entry_date[None, :]
    doubtful = pd.notna(inputs.doubts[0])
    skips = inputs.frame(inputs.book.is_unvalued, "entity", inputs.portfolio_ids)
    sessions, portfolios = np.nonzero(inputs.book.is_unvalued)
    reasons, texts = [], []
    for session, portfolio in zip(sessions, portfolios, strict=True):
        portfolio_lots = np.flatnonzero((inputs.lots.portfolio == portfolio) & entered[session])
        wrong = portfolio_lots[doubtful[portfolio_lots]]
        foreign = portfolio_lots[inputs.conversion.is_foreign[portfolio_lots]]
        if any(inputs.doubts[0][lot] is Cause.SIZE for lot in wrong):
            reasons.append(Reason.TOO_LARGE.value)
        else:
            reasons.append((Reason.IMPLAUSIBLE_PRICE if len(wrong) else Reason.NO_EXCHANGE_RATE).value)
        named = wrong if len(wrong) else foreign
        texts.append("; ".join(dict.fromkeys(_detail(inputs, lot) for lot in named.tolist()))[:DETAIL])
    return skips.assign(reason=reasons, analytic=analytic, entity_type="portfolio", detail=texts)


def _detail(inputs: Inputs, lot: int) -> str:
    """Return what makes a lot's portfolio one that can't be valued."""
    cause, ratio = inputs.doubts[0][lot], inputs.doubts[1][lot]
    if cause is None:
        columns = inputs.conversion.column[lot]
        return ", ".join(inputs.panel.symbols[column] for column in columns[columns >= 0])
    price, is_compared = inputs.lots.entry_price[lot], cause is not Cause.SIZE and not np.isnan(ratio)
    prices = f" {price:g} against a close of {price / ratio:g}" if is_compared else ""
    return f"{inputs.lot_symbols[lot]} ({inputs.position_ids[lot]}){prices}: {cause.explain()}"
