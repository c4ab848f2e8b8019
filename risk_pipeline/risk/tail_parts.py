"""Value at risk and expected shortfall of portfolios, and their components by holding, from the same scenarios."""

from __future__ import annotations

import numpy as np

from ..analytics.arrays import Float1D, Float2D, Float3D, Int1D
from ..analytics.tail_parts import holding_parts, tail_scenarios, weighted
from ..analytics.valuation import Book
from ..analytics.var import LOOK_BACK, TailRisk, filtered_historical_simulation, filtered_with_scales, tail_risk
from .inputs import Inputs
from .option_tails import option_parts, put_tail, revalued_books, with_options
from .portfolio_series import by_series

KIND = "tails of portfolios"
MEASURES = ("var_95", "var_99", "es_95", "es_99")


def portfolio_tails(inputs: Inputs, book: Book, ends: Int1D) -> TailRisk:
    """Return the tail risk of portfolios, (D, P), of the book valued at the sorted rows ``ends``; options revalued.

    Of a session whose components this run has computed it is what they were read off.
    """

    def made(rows: Int1D) -> Float3D:
        some = book.take(np.searchsorted(ends, rows))
        found = by_series(
            inputs,
            some.holdings,
            some.equity,
            rows,
            LOOK_BACK,
            lambda series: vars(filtered_historical_simulation(series)),
        )
        return _stacked(with_options(inputs, some, rows, _tail_of(found)))

    return TailRisk(*np.moveaxis(inputs.derived.at(KIND, ends, made), 1, 0))


def _tail_of(found: dict[str, np.ndarray]) -> TailRisk:
    return TailRisk(**{name: found[name] for name in MEASURES})


def _stacked(tail: TailRisk) -> Float3D:
    return np.stack([getattr(tail, name) for name in MEASURES], axis=1)


def tail_parts(inputs: Inputs) -> dict[str, Float1D]:
    """Return each holding's ``component_var_99`` and ``component_es_99``, (H,), shares of equity, losses positive.

    A portfolio's sum to its ``var_99`` and ``es_99``; NaN where it has none. The scenarios are those of the
    portfolio's own tail: its past returns, scaled to its present volatility; of a book with options the revaluations.
    """
    book, ends = inputs.book, inputs.ends
    holdings = book.holdings
    found = by_series(inputs, holdings, book.equity, ends, LOOK_BACK, _tail)
    out = np.full((2, len(holdings.symbol)), np.nan)
    returns = inputs.panel.returns
    for day, end in enumerate(ends.tolist()):
        held = np.flatnonzero(holdings.session == day)
        if not len(held):
            continue
        rows, series, scale, *weights = (
            found[name][day].T for name in ("back", "series", "scale", "var_weight", "es_weight")
        )
        first = max(end + 1 - LOOK_BACK, 0)
        window = np.asarray(returns[first : end + 1])
        of_day = holdings.take(held)
        # rows before the panel's first have no series and no weight
        parts = holding_parts(of_day, window, np.maximum(end - first - rows, 0), series, scale, book.equity[day])
        for component, weight in zip(out, weights, strict=True):
            component[held] = -weighted(weight[:, of_day.portfolio], parts)
    tail = _tail_of(found)
    for books, gains in revalued_books(inputs, book, ends):
        held, *components = option_parts(books, gains)
        out[:, held] = components
        put_tail(tail, books, gains)
    inputs.derived.keep(KIND, ends, _stacked(tail))
    return {"component_var_99": out[0], "component_es_99": out[1]}


def _tail(series: Float2D) -> dict[str, np.ndarray]:
    """Return the tail risk of each series, (series,), and its worst scenarios, (series, K).

    Of these, how many sessions back, the return, the scale, and the weights.
    """
    scenarios, scales = filtered_with_scales(series)
    tail = tail_scenarios(scenarios)
    count = len(scenarios)
    found = {
        "back": count - 1 - tail.row,
        "series": np.take_along_axis(series[-count:], tail.row, axis=0),
        "scale": np.take_along_axis(scales, tail.row, axis=0),
        "var_weight": tail.var_weight,
        "es_weight": tail.es_weight,
    }
    return {**{name: values.T for name, values in found.items()}, **vars(tail_risk(scenarios))}
