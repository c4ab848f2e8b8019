"""A portfolio against its benchmark on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from ..analytics.reasons import Reason
from ..reports.formatting import number, percent, signed_percent
from ..reports.sections.benchmark import MOST_POSITIONS, PERIODS, active_factors, largest_positions
from ..reports.sections.stress import factor_label
from ..storage.queries import read_table
from .fitting import print_table

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import Console


def print_benchmark(console: Console, engine: sa.Engine, span: dict[str, Any]) -> None:
    """Print tracking error, beta, relative returns and what is active; nothing for one without a benchmark."""
    rows = read_table(engine, "benchmark_risk", **span)
    if rows.empty:
        return
    row = rows.iloc[0]
    table = Table(title=escape(f"Against {row.benchmark}"), title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("Tracking error by the factor model", percent(row.model_tracking_error))
    table.add_row("  by factors / specific", f"{percent(row.factor_part)} / {percent(row.specific_part)}")
    table.add_row("Tracking error, last 252 sessions", percent(row.tracking_error))
    table.add_row("Beta / correlation", f"{number(row.beta)} / {number(row.correlation)}")
    for name, label in PERIODS.items():
        table.add_row(f"Return less the benchmark's, {label.lower()}", signed_percent(row[name]))
    print_table(console, table)
    if row.reason:
        console.print(f"{Reason(row.reason).explain()}.", highlight=False)
    _print_active(console, read_table(engine, "active_exposures", **span))


def _print_active(console: Console, rows: Any) -> None:
    """Print active exposures, sectors and the positions that make most of the tracking error."""
    if rows.empty:
        return
    table = Table(title="Less the benchmark", title_justify="left", header_style="bold")
    for name in ("", "Own", "Benchmark", "Active", "Tracking error"):
        table.add_column(name, justify="right" if name else "left")
    items = rows.astype(object).where(rows.notna(), None).to_dict("records")
    positions = largest_positions(items)[:MOST_POSITIONS]
    sectors = sorted((item for item in items if item["kind"] == "sector"), key=lambda item: -abs(item["active"]))
    for some in (active_factors(items), sectors, positions):
        for item in some:
            form = number if item["kind"] == "factor" else percent
            numbers = [form(item[name]) for name in ("own", "benchmark", "active")]
            table.add_row(escape(factor_label(item["name"])), *numbers, percent(item["risk_contribution"]))
        table.add_section()
    print_table(console, table)
