"""The software-defined assets: each reads, computes, writes and reports."""

import warnings

import dagster as dg

# Single-run backfills and partitioned checks are flagged as beta; the pinned version is tested with them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
