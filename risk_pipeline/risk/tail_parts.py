"""Value at risk and expected shortfall of portfolios, and their components by holding, from the same scenarios."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..analytics.arrays import Float1D, Float2D, Float3D, Int1D
from ..analytics.holdings import Holdings
from ..analytics.tail_parts import holding_parts, tail_scenarios, weighted
from ..analytics.valuation import Book
from ..analytics.var import LOOK_BACK, TailRisk, WorstScenarios, filtered_historical_simulation, filtered_with_scales
from .inputs import Inputs
from .option_tails import RevaluedBooks, for_revalued_books, is_revalued, with_options
from .portfolio_series import Estimate, by_series

KIND = "tails of portfolios"
MEASURES = ("var_95", "var_99", "es_95", "es_99")


def portfolio_tails(inputs: Inputs, book: Book, ends: Int1D) -> TailRisk:
    """Return the tail risk of portfolios, (D, P), of the book valued at the sorted rows ``ends``; options revalued.

    Of a session whose components this run has computed it is what they were read off.
    """

    def made(rows: Int1D) -> Float3D:
        some = book.take(np.searchsorted(ends, rows))
        tail = _Linear.of(inputs, some).tail(inputs, rows, lambda series: vars(filtered_historical_simulation(series)))
        return _stacked(with_options(inputs, some, rows, tail[0]))

    return TailRisk(*np.moveaxis(inputs.derived.at(KIND, ends, made), 1, 0))


@dataclass(frozen=True)
class _Linear:
    """The portfolios of a book whose tail is that of their series on some session: not revalued on each.

    ``portfolios`` (Q,) are their positions, ``rows`` (R,) their holdings as rows of the book's; ``holdings`` are these,
    with positions among the Q, and ``equity`` (D, Q) theirs.
    """

    portfolios: Int1D
    rows: Int1D
    holdings: Holdings
    equity: Float2D
    shape: tuple[int, int]

    @classmethod
    def of(cls, inputs: Inputs, book: Book) -> _Linear:
        """Return those of a book."""
        portfolios = np.flatnonzero(~is_revalued(inputs, book).all(axis=0))
        place = np.full(book.equity.shape[1], -1, dtype=np.int64)
        place[portfolios] = np.arange(len(portfolios))
        rows = np.flatnonzero(place[book.holdings.portfolio] >= 0)
        holdings = book.holdings.take(rows)
        holdings = replace(holdings, portfolio=place[holdings.portfolio])
        return cls(portfolios, rows, holdings, book.equity[:, portfolios], book.equity.shape)

    def tail(self, inputs: Inputs, ends: Int1D, estimate: Estimate) -> tuple[TailRisk, dict[str, np.ndarray]]:
        """Return the tail risk of all portfolios, (D, P), NaN of the others, and what was estimated, (D, Q, …)."""
        found = by_series(inputs, self.holdings, self.equity, ends, LOOK_BACK, estimate)
        measures = np.full((len(MEASURES), *self.shape), np.nan)
        measures[:, :, self.portfolios] = [found[name] for name in MEASURES]
        return TailRisk(*measures), found


def _stacked(tail: TailRisk) -> Float3D:
    return np.stack([getattr(tail, name) for name in MEASURES], axis=1)


def tail_parts(inputs: Inputs) -> dict[str, Float1D]:
    """Return each holding's ``component_var_99`` and ``component_es_99``, (H,), shares of equity, losses positive.

    A portfolio's sum to its ``var_99`` and ``es_99``; NaN where it has none. The scenarios are those of the
    portfolio's own tail: its past returns, scaled to its present volatility; of a book with options the revaluations.
    """
    book, ends = inputs.book, inputs.ends
    linear = _Linear.of(inputs, book)
    tail, found = linear.tail(inputs, ends, _tail)
    out = np.full((2, len(book.holdings.symbol)), np.nan)
    returns = inputs.panel.returns
    for day, end in enumerate(ends.tolist()):
        held = np.flatnonzero(linear.holdings.session == day)
        if not len(held):
            continue
        rows, series, scale, *weights = (
            found[name][day].T for name in ("back", "series", "scale", "var_weight", "es_weight")
        )
        first = max(end + 1 - LOOK_BACK, 0)
        window = np.asarray(returns[first : end + 1])
        of_day = linear.holdings.take(held)
        # rows before the panel's first have no series and no weight
        parts = holding_parts(of_day, window, np.maximum(end - first - rows, 0), series, scale, linear.equity[day])
        for component, weight in zip(out, weights, strict=True):
            component[linear.rows[held]] = -weighted(weight[:, of_day.portfolio], parts)

    def put(books: RevaluedBooks) -> None:
        out[:, books.rows] = books.components()
        books.put_tail(tail)

    for_revalued_books(inputs, book, ends, put)
    inputs.derived.keep(KIND, ends, _stacked(tail))
    return {"component_var_99": out[0], "component_es_99": out[1]}


def _tail(series: Float2D) -> dict[str, np.ndarray]:
    """Return the tail risk of each series, (series,), and its worst scenarios, (series, K).

    Of these, how many sessions back, the return, the scale, and the weights.
    """
    scenarios, scales = filtered_with_scales(series)
    worst = WorstScenarios.of(scenarios)
    tail, count = tail_scenarios(worst), len(scenarios)
    found = {
        "back": count - 1 - tail.row,
        "series": np.take_along_axis(series[-count:], tail.row, axis=0),
        "scale": np.take_along_axis(scales, tail.row, axis=0),
        "var_weight": tail.var_weight,
        "es_weight": tail.es_weight,
    }
    return {**{name: values.T for name, values in found.items()}, **vars(worst.tail_risk())}
