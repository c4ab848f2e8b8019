"""How fast each portfolio can be sold, from the volumes that were stored."""

from __future__ import annotations

import numpy as np

from ..analytics.arrays import Float1D, Float2D
from ..analytics.liquidity import HORIZONS, WINDOW, liquidity, median_volume
from ..analytics.lots import InvestmentClass
from ..analytics.sums import sum_by
from ..currencies import pair_currencies
from .inputs import Inputs
from .long_rows import Cells


def portfolio_liquidity(inputs: Inputs) -> dict[str, Float2D]:
    """Return ``days_to_liquidate``, ``sold_1d``, ``sold_5d``, ``sold_20d`` and ``volume_coverage``, each (D, P).

    Shares of NAV, null where that is zero or less; the coverage is of gross. Shares, funds and foreign cash count;
    options and private assets have no volume, so nothing of them is sold. ``inputs.stored["volumes"]`` has the
    volumes of the 63 sessions up to each.
    """
    book, lots, shape = inputs.book, inputs.lots, inputs.book.equity.shape
    rows = book.positions
    public = np.flatnonzero(lots.kind[rows.lot] == InvestmentClass.PUBLIC)
    session, lot = rows.session[public], rows.lot[public]
    symbols = len(inputs.panel.symbols)
    keys, key = np.unique((session * shape[1] + lots.portfolio[lot]) * symbols + lots.symbol[lot], return_inverse=True)
    cell, symbol = np.divmod(keys, symbols)
    shares, value = (sum_by(key, values[public], len(keys)) for values in (rows.quantity, rows.value))
    cells = shape[0] * shape[1]
    found = liquidity(cell, shares, value, _volumes(inputs)[cell // shape[1], symbol], cells)
    base = np.where(book.equity > 0, book.equity, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = np.where(book.gross > 0, found.covered.reshape(shape) / book.gross, np.nan)
    return {
        "days_to_liquidate": found.days.reshape(shape),
        **{f"sold_{horizon}d": found.sold[horizon].reshape(shape) / base for horizon in HORIZONS},
        "volume_coverage": coverage,
    }


def _volumes(inputs: Inputs) -> Float2D:
    """Return the median volume of each symbol as of each session, (D, N); infinite of a currency pair."""
    stored, dates = inputs.stored["volumes"], inputs.panel.dates
    first = max(int(inputs.ends.min()) + 1 - WINDOW, 0)
    days = dates[first : int(inputs.ends.max()) + 1].astype("datetime64[D]").tolist()
    volume = Cells.of(stored, session=days, symbol=inputs.panel.symbols).spread(stored["volume"])
    out, every = np.empty((len(inputs.ends), volume.shape[1])), np.arange(volume.shape[1])
    for place, end in enumerate(inputs.ends.tolist()):
        rows = np.arange(max(end + 1 - WINDOW, first), end + 1)[:, None]
        shares: Float2D = inputs.prices.ratio(np.array([[end]]), rows, every)
        out[place] = median_volume(volume[rows[:, 0] - first], shares)
    cash: Float1D = np.array([pair_currencies(symbol) is not None for symbol in inputs.panel.symbols])
    out[:, cash.astype(bool)] = np.inf
    return out
