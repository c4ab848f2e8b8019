"""A session's risk in Markdown, for the Dagster UI: a table and one chart."""

from __future__ import annotations

import base64
import io
from datetime import date
from typing import TYPE_CHECKING, Any

from ..storage.queries import read_table
from .numbers import money, number, percent, signed_money

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa

MOST = 25
COLUMNS = {
    "Portfolio": "portfolio_id",
    "NAV": "nav",
    "Day P&L": "daily_pnl",
    "Market β": "market_beta",
    "IR β": "ir_beta",
    "Forecast": "forecast",
    "VaR 99 %": "var_99",
    "Worst": "worst_scenario_pnl",
}
FORMS = {
    "nav": money,
    "daily_pnl": signed_money,
    "market_beta": number,
    "ir_beta": number,
    "forecast": percent,
    "var_99": percent,
    "worst_scenario_pnl": money,
}


def summary(engine: sa.Engine, session: date) -> str:
    """Return the table of a session's portfolios, the largest first, and a chart of their value at risk."""
    rows = read_table(engine, "portfolio_snapshots", first=session, last=session)
    if rows.empty:
        return f"No portfolio has a snapshot on {session}."
    rows = rows.sort_values("nav", ascending=False)
    shown = rows.head(MOST)
    lines = [f"**{session}**, {len(rows)} portfolios", "", "| " + " | ".join(COLUMNS) + " |"]
    lines.append("|" + "|".join(" :-- " if name == "Portfolio" else " --: " for name in COLUMNS) + "|")
    lines += [
        "| " + " | ".join(_cell(row, name) for name in COLUMNS.values()) + " |" for row in shown.to_dict("records")
    ]
    if len(rows) > MOST:
        lines.append(f"\n…and {len(rows) - MOST} more.")
    chart = _chart(shown)
    return "\n".join([*lines, "", f"![Forecast volatility and value at risk]({chart})"] if chart else lines)


def _cell(row: dict[str, Any], name: str) -> str:
    if name in FORMS:
        return FORMS[name](row[name])
    return escape(str(row[name]))


def escape(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>()#+-!|~" else letter for letter in " ".join(text.split()))


def _chart(rows: pd.DataFrame) -> str | None:
    """Return a bar chart of volatility as an image in a data URL, None where no portfolio has any."""
    known = rows.dropna(subset=["forecast"]).head(12)
    if known.empty:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(6.4, 0.7 + 0.3 * len(known)), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    names = [name.replace("$", r"\$") for name in known["portfolio_id"]]
    places = range(len(names))
    axes.barh(places, known["forecast"], height=0.62, color="#2d7391", label="forecast, a year")
    axes.plot(known["realised_63"], places, "D", color="#15181d", markersize=4, label="realised, 63 sessions")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_title("Volatility", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
