"""A session's risk in Markdown, for the Dagster UI: a table and one chart.

The UI shows Markdown in place while it is shorter than a thousand characters, and behind a link otherwise; so as many
portfolios are shown, the largest first, as fit.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from datetime import date
from html import escape as escape_xml
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..storage.queries import read_table
from .formatting import number, percent, short_money

if TYPE_CHECKING:
    import sqlalchemy as sa

LIMIT = 1000
MOST = 12
TABLE_COLUMNS = {
    "Portfolio": "portfolio_id",
    "Day": "daily_pnl",
    "β": "market_beta",
    "IR β": "ir_beta",
    "VaR 99 %": "var_99",
    "Worst": "worst_scenario_pnl",
}
FORMS = {
    "daily_pnl": short_money,
    "market_beta": number,
    "ir_beta": number,
    "var_99": percent,
    "worst_scenario_pnl": short_money,
}


def summary(engine: sa.Engine, session: date) -> str:
    """Return the table of a session's portfolios, the largest first, and a chart of their forecast volatility."""
    rows = read_table(engine, "portfolio_snapshots", first=session, last=session)
    return summaries_of(rows).get(session, f"No portfolio has a snapshot on {session}.")


def summaries_of(frame: pd.DataFrame) -> dict[date, str]:
    """Return the same of each session that has rows of ``portfolio_snapshots``."""
    shown = frame[["session", *TABLE_COLUMNS.values(), "forecast", "nav"]].sort_values(
        "nav", ascending=False, kind="stable"
    )
    largest: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in shown.groupby("session").head(MOST).to_dict("records"):
        largest[pd.Timestamp(row["session"]).date()].append(row)
    portfolios = pd.to_datetime(frame["session"]).dt.date.value_counts().to_dict()
    return {session: _longest(session, rows, portfolios[session]) for session, rows in largest.items()}


def _longest(session: date, largest: list[dict[str, Any]], portfolios: int) -> str:
    texts = (_text(session, largest[:shown], portfolios) for shown in range(len(largest), -1, -1))
    return next(text for text in texts if len(text) < LIMIT)


def _text(session: date, rows: list[dict[str, Any]], portfolios: int) -> str:
    more = f", the largest {len(rows)} here" if len(rows) < portfolios else ""
    lines = [f"**{session}**, {portfolios} portfolios{more}", ""]
    if rows:
        lines += ["|".join(TABLE_COLUMNS), "|".join(["--", *["--:"] * (len(TABLE_COLUMNS) - 1)])]
        lines += ["|".join(_cell(row, name) for name in TABLE_COLUMNS.values()) for row in rows]
    bars = [(row["portfolio_id"], row["forecast"]) for row in rows if pd.notna(row["forecast"])]
    if bars:
        lines += ["", f"![Forecast volatility]({_chart(bars)})"]
    return "\n".join(lines)


def _cell(row: dict[str, Any], name: str) -> str:
    if name in FORMS:
        return FORMS[name](row[name]).replace("\u2009", "")
    return escape(str(row[name]))


def escape(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>()#+-!|~" else letter for letter in " ".join(text.split()))


def _chart(bars: list[tuple[str, float]]) -> str:
    """Return bars of volatility with their names and values as an SVG in a data URL; grey reads on light and dark."""
    widest = max(value for _, value in bars)
    texts = "".join(
        f'<text y="{16 * row + 11}">{escape_xml(name[:12])} {percent(value)}</text>'
        for row, (name, value) in enumerate(bars)
    )
    path = "".join(f"M125 {16 * row + 7}h{185 * value / widest:.0f}" for row, (_, value) in enumerate(bars))
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="310" height="{16 * len(bars)}" font-size="11" fill="#888">'
        f'{texts}<path d="{path}" stroke="#2d7391" stroke-width="9"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()
