"""What portfolios hold, as arrays: the link between symbols' numbers and portfolios' numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import Bool1D, Float1D, Float2D, Int1D
from .sums import sum_by

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True)
class Holdings:
    """Holdings of PUBLIC symbols, OPTIONS underlyings, currency pairs and proxies, in the order of session and lot.

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
    """0: the lot itself; 1 and 2: the pairs between its currency and the portfolio's; 3: a private asset's proxy."""
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
        return sparse_rows(self.delta_value, self.portfolio, self.symbol, (portfolios, symbols))

    def share_of_gross(self) -> Float1D:
        """Return what each row is of its portfolio's gross, (H,), lots added up; rows of one session only.

        Negative of a lot against its position: a long lot of a symbol that is held short on the whole.
        """
        span = int(self.symbol.max(initial=0)) + 1
        pairs, pair = np.unique(self.portfolio * span + self.symbol, return_inverse=True)
        net = sum_by(pair, self.delta_value, len(pairs))
        gross = np.bincount(pairs // span, np.abs(net))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sign(net)[pair] * self.delta_value / gross[self.portfolio]


def sparse_rows(values: Float1D, row: Int1D, column: Int1D, shape: tuple[int, int]) -> sp.csr_array:
    """Return values (n,) at their rows and columns; those of one cell are added up."""
    import scipy.sparse as sp

    return sp.csr_array(sp.coo_array((values, (row, column)), shape=shape))


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
    from .kernels.covered_returns import write_history

    holds = np.diff(notional.indptr) > 0
    base = np.where((equity > 0) & holds, equity, np.nan)
    where = notional.indices.astype(np.int64), notional.indptr.astype(np.int64)
    history = np.ascontiguousarray(returns, dtype=np.float64)
    last = min(coverage_rows or len(history), len(history))
    out, coverage = np.empty((len(history), len(equity))), np.empty(len(equity))
    write_history(history, notional.data, *where, base, min_coverage, last, out, coverage)
    return ConstantWeightReturns(returns=out, coverage=np.where(holds, coverage, np.nan))


def covered_returns(
    moves: Float2D,
    symbol: Int1D,
    owner: Int1D,
    dollars: Float1D,
    equity: Float1D,
    *,
    min_coverage: float,
    gains: Float2D,
    option: Int1D,
    shares: Float1D,
) -> Float2D:
    """Return what portfolios gain on equity in scenarios, (S, P), as :func:`constant_weight_returns` does of history.

    Parameters
    ----------
    moves : (N, S) of symbols; NaN where one has no return.
    symbol : (H,) row of each holding's symbol in ``moves``.
    owner : (H,) position of each holding's portfolio in ``equity`` (P,), ascending.
    dollars : (H,) delta-adjusted notional.
    min_coverage : least share of gross that must have a return in a scenario.
    gains : (O, S) money that a share of an option gains; ``option`` (H,) is the row of a holding, -1 of one that moves
        as its symbol does, ``shares`` (H,) how many it has.
    """
    from .kernels.covered_returns import scenario_returns

    first = np.searchsorted(owner, np.arange(len(equity) + 1))
    return scenario_returns(moves, symbol, first, dollars, equity, min_coverage, gains, option, shares).T
