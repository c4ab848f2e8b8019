"""The rows of ``factor_returns``: what each factor returned on each session."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analytics.factor_returns import residual_returns
from .beyond_core import beyond_proxy_returns, proxy_betas
from .inputs import Inputs
from .symbol_betas import SymbolBetas, core_factor_returns, factor_returns


def factor_return_rows(inputs: Inputs, betas: SymbolBetas) -> pd.DataFrame:
    """Return a row per session and factor, of the whole model and of the single-factor betas.

    Of a factor beyond the core it is what the model as of the session leaves of its proxy's return.
    """
    factors = inputs.registries.factors
    core, beyond = core_factor_returns(inputs), beyond_proxy_returns(inputs)
    model_betas = betas.of(factors.model_names)
    series = dict(zip(factors.core_names, core.T, strict=True))
    for session_index, end in enumerate(inputs.ends.tolist()):
        row = slice(end, end + 1)
        beyond[row] = residual_returns(core[row], beyond[row], *proxy_betas(inputs, model_betas, session_index))
    series |= dict(zip(factors.beyond_names, beyond.T, strict=True))
    series |= {factor.name: factor_returns(inputs, factor) for factor in factors.single_factor}
    returns = np.column_stack([values[inputs.ends] for values in series.values()])
    return inputs.frame(~np.isnan(returns), "factor_name", list(series), daily_return=returns)
