"""Components of value at risk and expected shortfall by holding."""

from __future__ import annotations

import numpy as np

from ..analytics.arrays import Float1D, Float2D
from ..analytics.tail_parts import holding_parts, tail_scenarios, weighted
from ..analytics.var import LOOK_BACK, filtered_with_scales
from .inputs import Inputs
from .option_tails import option_tail_parts
from .portfolio_series import by_series


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
    for held, *components in option_tail_parts(inputs, book, ends):
        out[:, held] = components
    return {"component_var_99": out[0], "component_es_99": out[1]}


def _tail(series: Float2D) -> dict[str, np.ndarray]:
    """Return the worst scenarios of each series, (series, K): sessions back, its return, its scale, and the weights."""
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
    return {name: values.T for name, values in found.items()}
