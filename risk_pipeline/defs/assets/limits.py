"""Every limit against its number, by session: how much of it is used, and what is beyond it."""

from functools import partial

import dagster as dg

from ...risk.limits import compute_limits
from ...storage import tables
from ...storage.limit_measures import numeric_columns
from ..code_version import code_version
from ..partitions import ANALYTIC
from ..resources import Database, PriceCache, Registries
from .failures import with_remedy
from .inputs import read_limit_inputs
from .metadata import definition_metadata
from .sessions import compute_sessions


@dg.asset(
    **ANALYTIC,
    code_version=code_version("risk/limits.py", "config/factors.yaml"),
    deps=[
        *("portfolios", "price_cache", "factor_exposures", "stress_tests", "volatility", "portfolio_snapshots"),
        "benchmark_risk",
    ],
    group_name="risk",
    kinds={"table"},
    metadata=definition_metadata(tables.limit_utilisations),
)
@with_remedy
def risk_limits(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """Every imported limit that holds on the session against the number that it is set on, with what moved it.

    A session is judged by the limits valid then, also when it is computed years later.
    """
    compute = partial(compute_limits, numeric=numeric_columns())
    return compute_sessions(context, db, cache, registries, compute, read_limit_inputs)
