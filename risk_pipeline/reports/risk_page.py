"""The risk page of a session: one self-contained HTML file."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..analytics.reasons import Reason
from ..config.factors import load_factors
from ..settings import Settings
from ..storage.queries import read_table
from .numbers import money, number, percent

if TYPE_CHECKING:
    import sqlalchemy as sa
    from jinja2 import Template


def page_path(session: date) -> Path:
    """Return where the page of a session is."""
    return Settings().report_folder / f"{session}.html"


def write_page(engine: sa.Engine, session: date, code_version: str) -> Path:
    """Render the page of a session and put it in place all at once."""
    path = page_path(session)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _template().render(session=session, portfolios=_portfolios(engine, session), code_version=code_version)
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".writing")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(scratch, path)
    return path


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(money=money, number=number, percent=percent)
    return environment.get_template("risk_page.html.j2")


def _portfolios(engine: sa.Engine, session: date) -> list[dict[str, Any]]:
    """Return what the page shows of each portfolio, in the order of their ids."""
    span: dict[str, Any] = {"first": session, "last": session}
    snapshots = read_table(engine, "portfolio_snapshots", **span)
    names = read_table(engine, "portfolios").set_index("portfolio_id")["name"]
    order = {name: at for at, name in enumerate(load_factors().names)}
    exposures = read_table(engine, "factor_exposures", **span)
    exposures = exposures[exposures["factor_name"].isin(list(order))]
    exposures = exposures.sort_values("factor_name", key=lambda column: column.map(order))
    scenarios = read_table(engine, "stress_scenarios").set_index("scenario_id")["name"]
    stress = read_table(engine, "stress_test_results", **span).sort_values("correlated_pnl")
    stress["name"] = stress["scenario_id"].map(scenarios)
    sectors = read_table(engine, "sector_exposures", **span)
    skips = read_table(engine, "analytics_skips", **span)
    skips = skips[skips["entity_type"] == "portfolio"]

    def of(frame: pd.DataFrame, portfolio: str, key: str = "portfolio_id") -> list[dict[str, Any]]:
        return frame[frame[key] == portfolio].to_dict("records")

    return [
        {
            **row,
            "name": names.get(row["portfolio_id"], row["portfolio_id"]),
            "exposures": of(exposures, row["portfolio_id"]),
            "stress": of(stress, row["portfolio_id"]),
            "sectors": of(sectors, row["portfolio_id"]),
            "reasons": sorted(
                {Reason(skip["reason"]).explain() for skip in of(skips, row["portfolio_id"], "entity")}
                | ({Reason.NON_POSITIVE_EQUITY.explain()} if row["nav"] <= 0 else set())
            ),
        }
        for row in snapshots.to_dict("records")
    ]
