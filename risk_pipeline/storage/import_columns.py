"""The kinds of files that can be imported, and their columns."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """Columns of a kind of file."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every column."""
        return (*self.required, *self.optional)


FILE_COLUMNS = {
    "portfolios": Columns(
        ("portfolio_id", "name", "inception_date", "starting_equity"), ("currency", "closed_date", "benchmark")
    ),
    "positions": Columns(
        ("portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"),
        (
            "position_id",
            "exit_date",
            "exit_price",
            "underlying",
            "option_type",
            "strike",
            "expiry",
            "implied_volatility",
            "is_deleted",
            "multiplier",
            "currency",
            "fees",
            "exit_fees",
            "exercise",
            "proxy",
            "proxy_beta",
        ),
    ),
    "groups": Columns(("group", "portfolio")),
    "benchmarks": Columns(("benchmark", "symbol", "weight", "valid_from")),
    "flows": Columns(("portfolio_id", "flow_date", "amount")),
    "marks": Columns(("symbol", "mark_date", "price")),
    "aliases": Columns(("old", "new", "date")),
    "implied_volatilities": Columns(
        ("date", "volatility"), ("symbol", "underlying", "strike", "expiry", "option_type")
    ),
    "limits": Columns(("portfolio_id", "measure", "operator", "limit", "valid_from"), ("warning",)),
}
OTHER_NAMES = {"fee": "fees", "commission": "fees", "commissions": "fees", "contract_size": "multiplier"}
PRICES = ("entry_price", "exit_price", "strike", "price")
NUMBERS = frozenset(
    (
        "starting_equity",
        "quantity",
        "implied_volatility",
        "volatility",
        "amount",
        "multiplier",
        "fees",
        "exit_fees",
        "limit",
        "warning",
        "weight",
        "proxy_beta",
        *PRICES,
    )
)
DATES = frozenset(
    (
        "inception_date",
        "closed_date",
        "entry_date",
        "exit_date",
        "expiry",
        "flow_date",
        "mark_date",
        "date",
        "valid_from",
    )
)


def column_names(written: Sequence[str]) -> list[str]:
    """Return header cells as our columns are spelled: lower case, underscores for blanks."""
    names = ["_".join(name.lower().replace("-", " ").split()) for name in written]
    other_names = OTHER_NAMES
    if not {"portfolio", "portfolio_id"} <= {*names}:
        of_portfolio = "portfolio" if "group" in names else "portfolio_id"
        other_names = {**OTHER_NAMES, "portfolio": of_portfolio, "portfolio_id": of_portfolio}
    return [other_names.get(name, name) for name in names]


def kind_of(names: Sequence[str]) -> str | None:
    """Return the kind of file that a header belongs to, None if it is none."""
    return next((kind for kind, columns in FILE_COLUMNS.items() if set(columns.required) <= set(names)), None)


def resembles(name: str, kind: str, present: Sequence[str]) -> str | None:
    """Return the column that an unknown one was probably meant to be, so that a slip of the pen is not passed over."""
    missing = [column for column in FILE_COLUMNS[kind].optional if column not in present]
    near = difflib.get_close_matches(name, missing, n=1, cutoff=0.8)
    return near[0] if near else None
