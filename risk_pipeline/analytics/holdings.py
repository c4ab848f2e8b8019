"""What portfolios hold, as arrays: the link between symbols' numbers and portfolios' numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import Bool1D, Float1D, Float2D, Int1D

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True)
class Holdings:
    """Holdings of PUBLIC symbols, OPTIONS underlyings and currency pairs, long form, in the order of session and lot.

    Every field has shape (H,). A lot is one row; one in another currency than its portfolio's is followed by a row
    for each pair between the two, at the lot's value. Several lots of a symbol are several rows; whatever is summed
    over rows adds them up.
    """

    session: Int1D
    """Index of the session among the D requested sessions."""
    portfolio: Int1D
    """Position of the portfolio among the P portfolios."""
    symbol: Int1D
    """Column of the priced symbol (an option's underlying, a currency pair) in the panel."""
    lot: Int1D
    """The lot that it comes from."""
    leg: Int1D
    """0: the lot itself; 1 and 2: the pairs between its currency and the portfolio's."""
    value: Float1D
    """Signed market value in dollars; of an option, its premium value; of a pair zero, the lot's row has it."""
    delta_value: Float1D
    """Signed delta-adjusted notional in dollars; equals ``value`` for a share. Of a pair what one per cent of its
    price, to first order, moves by one per cent: the lot's value, negative for the inverse."""

    def take(self, rows: Bool1D | Int1D) -> Holdings:
        """Return the chosen rows."""
        return Holdings(**{name: values[rows] for name, values in vars(self).items()})

    def at(self, session: int) -> Holdings:
        """Return the rows of one session."""
        return self.take(self.session == session)

    def notional(self, portfolios: int, symbols: int) -> sp.csr_array:
        """Return delta-adjusted dollars, portfolios x symbols, lots added up; rows of one session only."""
        import scipy.sparse as sp

        return sp.csr_array(
            sp.coo_array((self.delta_value, (self.portfolio, self.symbol)), shape=(portfolios, symbols))
        )


@dataclass(frozen=True)
class ConstantWeightReturns:
    """The history that today's holdings would have had."""

    returns: Float2D
    """(W, P) dollars gained per session divided by equity; NaN where less than the asked share is covered."""
    coverage: Float1D
    """(P,) mean share of gross delta-adjusted notional with a return; NaN without any."""


def constant_weight_returns(
    notional: sp.csr_array,
    returns: Float2D,
    equity: Float1D,
    *,
    min_coverage: float = 0.8,
    coverage_rows: int | None = None,
) -> ConstantWeightReturns:
    """Apply today's dollars to the symbols' history (historical simulation).

    A symbol without a return on a day (gap, before its listing) is taken to have moved like the rest of the
    book: the day's sum is scaled by gross over covered gross. It is never taken to have stood still. A day
    with less than ``min_coverage`` of gross covered is NaN. A book whose lots cancel out returns zero.

    Parameters
    ----------
    notional : (P, N) delta-adjusted dollars as of the session.
    returns : (W, N) simple total returns; NaN is a gap.
    equity : (P,) dollars; zero or less gives NaN.
    min_coverage : least share of gross that must have a return on a day.
    coverage_rows : how many of the last rows ``coverage`` is of; all if None.
    """
    gaps = np.isnan(returns)
    total = np.asarray(abs(notional).sum(axis=1)).ravel()
    holds = np.diff(notional.indptr) > 0
    base = np.where((equity > 0) & holds, equity, np.nan)
    if not notional.nnz or not gaps[:, np.unique(notional.indices)].any():  # gaps of others are never read
        dollars = (notional @ returns.T).T
        return ConstantWeightReturns(returns=dollars / base, coverage=np.where(holds, 1.0, np.nan))
    dollars = (notional @ np.where(gaps, 0.0, returns).T).T
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, 1.0 - (abs(notional) @ gaps.astype(float).T).T / total, 1.0)
        scaled = np.where(share >= min_coverage - 1e-12, dollars / share, np.nan) / base
    coverage = np.where(holds, share[-(coverage_rows or len(share)) :].mean(axis=0), np.nan)
    return ConstantWeightReturns(returns=scaled, coverage=coverage)
