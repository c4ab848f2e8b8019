"""The rows of ``factor_returns``: what each factor returned on each session."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .inputs import Inputs
from .symbol_betas import core_factor_returns, factor_returns


def factor_return_rows(inputs: Inputs) -> pd.DataFrame:
    """Return a row per session and factor, of the core model and of the single-factor betas."""
    factors = inputs.registries.factors
    series = dict(zip(factors.core_names, core_factor_returns(inputs).T, strict=True))
    series |= {factor.name: factor_returns(inputs, factor) for factor in factors.single_factor}
    returns = np.column_stack([values[inputs.ends] for values in series.values()])
    return inputs.frame(~np.isnan(returns), "factor_name", list(series), daily_return=returns)
