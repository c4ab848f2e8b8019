"""The parts of a portfolio's page, in reading order.

A section is a module with a function that turns a :class:`~risk_pipeline.reports.page_rows.PortfolioDay` into what its
template shows, or None where there is nothing to show. A new one is a module, a template of the same name
under ``templates/sections``, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..page_rows import PortfolioDay
from . import (
    benchmark,
    betas,
    composition,
    correlations,
    data_quality,
    explain,
    exposures,
    headline,
    limits,
    options,
    stress,
    volatility,
)


@dataclass(frozen=True)
class Section:
    """A part of the page: the anchor and template's name, its title, and what makes its content."""

    name: str
    title: str
    build: Callable[[PortfolioDay], dict[str, Any] | None]


SECTIONS = (
    Section("headline", "At a glance", headline.build),
    Section("explain", "What made the P&L", explain.build),
    Section("limits", "Limits", limits.build),
    Section("betas", "Betas", betas.build),
    Section("exposures", "Factor exposures", exposures.build),
    Section("stress", "Stress scenarios", stress.build),
    Section("options", "Options", options.build),
    Section("volatility", "Volatility and value at risk", volatility.build),
    Section("composition", "Where the risk is", composition.build),
    Section("correlations", "How positions move together", correlations.build),
    Section("benchmark", "Against the benchmark", benchmark.build),
    Section("data_quality", "How far to trust this page", data_quality.build),
)
