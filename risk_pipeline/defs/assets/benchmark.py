"""Portfolios against their benchmarks."""

import dagster as dg

from ...risk.benchmark import compute_benchmark
from ...storage import tables
from ..code_version import code_version
from ..partitions import ANALYTIC
from ..resources import Database, PriceCache, Registries
from .failures import with_remedy
from .inputs import read_benchmark_inputs
from .metadata import definition_metadata
from .sessions import compute_sessions


@dg.asset(
    **ANALYTIC,
    code_version=code_version("risk/benchmark.py", "config/factors.yaml"),
    deps=["portfolios", "company_profiles", "price_cache", "factor_exposures", "portfolio_snapshots"],
    group_name="risk",
    kinds={"table"},
    metadata=definition_metadata(tables.benchmark_risk, tables.active_exposures),
)
@with_remedy
def benchmark_risk(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """Tracking error, beta, active exposures and relative return of every portfolio that names a benchmark.

    Tracking error from 252 active returns at the session's weights, and by the factor model, split into factors and
    what is specific.
    """
    return compute_sessions(context, db, cache, registries, compute_benchmark, read_benchmark_inputs)
