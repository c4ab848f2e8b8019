"""What trades would do to the numbers of a stored session; nothing is written.

The book before and the book after stand beside each other as two portfolios, so that all that belongs to symbols is
computed once. No number of a portfolio depends on which others are computed with it, so each is what a full run of
that book would store, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..analytics.liquidity import WINDOW
from ..analytics.lots import CONTRACT
from ..config.factors import load_factors
from ..config.registries import Registries
from ..risk.inputs import BookFrames, Frames
from ..risk.session_rows import session_rows
from ..risk.trades import DUST, Trade, with_trades
from ..storage import queries
from ..storage.errors import StorageError
from ..storage.groups import lots_with_groups
from ..storage.limit_measures import numeric_columns
from ..storage.portfolio_ids import require_open, require_portfolio
from ..symbols import canonical, occ_name
from .inputs import book_frames, inputs_of, only_portfolios, panel_of

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..storage.price_panel import PricePanel

AFTER = "~"
"""Ends the id of a portfolio after its trades; no id that is imported holds it."""
HEADLINES = (
    *("nav", "cash", "gross", "net", "long_value", "short_value", "market_beta", "ir_beta", "realised_21", "forecast"),
    *("var_95", "var_99", "es_95", "es_99", "worst_scenario_pnl", "effective_positions", "top_3", "coverage"),
)
"""Columns of the snapshot that are compared."""
TAILS = ("var_95", "var_99", "es_95", "es_99")
EXPOSURES = ("factor_exposures", "currency_exposures")
"""Where a pair, or a factor beyond the core, without a row is no exposure to it."""
SKIP_KEY = ["portfolio_id", "analytic", "reason"]
LIMIT_KEY = ["portfolio_id", "measure", "operator"]


@dataclass(frozen=True)
class WhatIf:
    """Rows of a session before and after trades, by table; both under the portfolios' own ids.

    ``lots`` are the lots of ``positions`` after the trades. ``sold_short`` has ``portfolio_id, symbol, held, after`` of
    what was held, or not at all, and would be short: quantities in units of the session.
    """

    session: date
    before: Frames
    after: Frames
    lots: pd.DataFrame
    sold_short: pd.DataFrame

    @property
    def headlines(self) -> pd.DataFrame:
        """``portfolio_id, number, before, after, difference`` of headlines, exposures, scenarios, tails in money."""
        parts = []
        for table, item, column in (
            ("portfolio_snapshots", None, None),
            ("factor_exposures", "factor_name", "exposure"),
            ("currency_exposures", "pair", "exposure"),
            ("stress_test_results", "scenario_id", "correlated_pnl"),
        ):
            sides = [self._long(rows[table], item, column) for rows in (self.before, self.after)]
            both = pd.concat(sides, axis=1, keys=["before", "after"])
            if table in EXPOSURES:
                for column_name, rows, side in zip(both, (self.before, self.after), sides, strict=True):
                    both.loc[self._none(both.index, side.index, table, rows), column_name] = 0.0
            parts.append(both)
        out = pd.concat(parts).astype(float)
        out["difference"] = out["after"] - out["before"]
        return out.rename_axis(["portfolio_id", "number"]).reset_index()

    @staticmethod
    def _none(cells: pd.Index, stored: pd.Index, table: str, rows: Frames) -> np.ndarray:
        """Return which cells of portfolios and items are no exposure: a valued portfolio without the item's row."""
        owner, item = (cells.get_level_values(level) for level in (0, 1))
        optional = item.isin(load_factors().beyond_names) | (table == "currency_exposures")
        return np.asarray(~cells.isin(stored) & owner.isin(rows["portfolio_snapshots"]["portfolio_id"]) & optional)

    def _long(self, rows: pd.DataFrame, item: str | None, column: str | None) -> pd.Series:
        if item is None:
            wide = rows.set_index("portfolio_id")
            numbers = wide[list(HEADLINES)].astype(float)
            for name in TAILS:  # incremental value at risk is a difference of money
                numbers[f"{name}_money"] = numbers[name] * numbers["nav"]
            numbers["leverage"] = numbers["gross"] / numbers["nav"].where(numbers["nav"] > 0)
            return numbers.stack(future_stack=True)
        return rows.set_index(["portfolio_id", item])[column].astype(float)

    @property
    def limits(self) -> pd.DataFrame:
        """The limits after the trades, with ``status_before`` and ``value_before``."""
        before = self.before["limit_utilisations"].set_index(LIMIT_KEY)[["status", "value"]]
        return self.after["limit_utilisations"].join(before.add_suffix("_before"), on=LIMIT_KEY)

    @property
    def skips(self) -> pd.DataFrame:
        """``portfolio_id, analytic, reason, detail`` of what a portfolio lacks after the trades and not before."""
        before, after = (_of_portfolios(rows["analytics_skips"]) for rows in (self.before, self.after))
        known = pd.MultiIndex.from_frame(before[SKIP_KEY])
        return after[~pd.MultiIndex.from_frame(after[SKIP_KEY]).isin(known)].reset_index(drop=True)

    @property
    def new_breaches(self) -> pd.DataFrame:
        """The limits that the trades would break."""
        rows = self.limits
        return rows[(rows["status"] == "breach") & (rows["status_before"] != "breach")].reset_index(drop=True)


def what_if(
    engine: sa.Engine, registries: Registries, session: date, trades: Sequence[Trade], panel: PricePanel | None = None
) -> WhatIf:
    """Compute the portfolios of the trades, and the groups that they are in, before and after them.

    Raises
    ------
    StorageError
        If the session has not been computed, a portfolio is unknown or not open there, a symbol is unknown, or a trade
        is of a group.
    """
    panel = panel or panel_of(engine, session)
    book, members = book_frames(engine, session), queries.groups(engine)
    traded = {trade.portfolio_id for trade in trades}
    _check(book, members, panel, session, trades)
    owned = only_portfolios(book, sorted(traded)).lots
    trades = [as_held(trade, owned) for trade in trades]
    owned = owned.assign(units_since=_units(owned, panel, session))
    lots = with_trades(owned, trades, session)
    sold_short = _sold_short(owned, trades, session)
    lots = lots.drop(columns="units_since")
    of_groups = members[members["group_id"].isin(members.loc[members["portfolio_id"].isin(traded), "group_id"])]
    ids = sorted({*traded, *of_groups["group_id"]} & {*book.portfolios["portfolio_id"]})
    both = _beside(only_portfolios(book, ids), _with_groups(book.lots, lots, of_groups, ids))
    limits = queries.limits(engine, session)
    of_after = limits[limits["portfolio_id"].isin(ids)]
    of_after = of_after.assign(portfolio_id=of_after["portfolio_id"] + AFTER)
    inputs = inputs_of(both, panel, [session], registries)
    first = panel.dates[max(int(inputs.ends[0]) - WINDOW + 1, 0)].item()
    inputs.stored["volumes"] = queries.volumes(engine, first, session)
    frames = session_rows(
        inputs,
        pd.concat([limits, of_after], ignore_index=True) if len(of_after) else limits,
        numeric_columns(),
    )
    return WhatIf(session, _side(frames, after=False), _side(frames, after=True), lots, sold_short)


def _with_groups(lots: pd.DataFrame, after: pd.DataFrame, members: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """Return the lots after the trades of the portfolios ``ids``: a group's are its members', traded or not."""
    if members.empty:
        return after
    others = lots[lots["portfolio_id"].isin(set(members["portfolio_id"]) - set(after["portfolio_id"]))]
    base = pd.concat([after, others.astype(after.dtypes.to_dict())], ignore_index=True) if len(others) else after
    both = lots_with_groups(base, members)
    return both[both["portfolio_id"].isin(ids)].reset_index(drop=True)


def close_on(panel: PricePanel, session: date, symbol: str) -> float | None:
    """Return the close of a symbol on a session, None where the panel has none."""
    if symbol not in panel.symbols:
        return None
    row = int(np.searchsorted(panel.dates, np.datetime64(session)))
    close = float(panel.close[row, panel.symbols.index(symbol)])
    return None if np.isnan(close) else close


def _check(book: BookFrames, members: pd.DataFrame, panel: PricePanel, session: date, trades: Sequence[Trade]) -> None:
    for trade in trades:
        if trade.portfolio_id in set(members["group_id"]):
            own = ", ".join(members.loc[members["group_id"] == trade.portfolio_id, "portfolio_id"])
            raise StorageError(f"{trade.portfolio_id} is a group: trade in one of its portfolios, {own}")
        require_portfolio(trade.portfolio_id, book.portfolios["portfolio_id"])
        require_open(trade.portfolio_id, book.portfolios, session)
        terms = dict(trade.terms)
        priced = terms.get("proxy") if trade.investment_class == "PRIVATE" else terms.get("underlying") or trade.symbol
        if priced is not None and close_on(panel, session, priced) is None:
            raise StorageError(
                f"{priced} has no price in the panel of {session}: what if knows the symbols that a portfolio holds or "
                "a factor uses. Import a lot of it into any portfolio and run the session to have its history"
            )


def held_terms(engine: sa.Engine, session: date) -> Callable[[str, str], dict[str, Any]]:
    """Return a function of portfolio and symbol: the class and the terms of what is held so on a session, none if not.

    Of a share and an option of one name those of the share. With the volatility that was given with the lot where the
    lot is valued with it.
    """
    day, lots = pd.Timestamp(session), book_frames(engine, session).lots
    lots = lots[~(lots["exit_date"] <= day) & ~(lots["expiry"] <= day)]
    columns = ["position_id", "volatility_source"]
    valued = queries.read_table(engine, "position_values", first=session, last=session, columns=columns)
    by_own = set(valued.loc[valued["volatility_source"] == "position", "position_id"])

    def terms(portfolio: str, symbol: str) -> dict[str, Any]:
        plain = " ".join(symbol.upper().split())
        names = {plain, canonical(plain), _held_symbol(portfolio, plain, lots)}
        own = lots[(lots["portfolio_id"] == portfolio) & lots["symbol"].isin(names)]
        if own.empty:
            return {}
        is_share = own["investment_class"] == "PUBLIC"
        lot = own[is_share if is_share.any() else ~is_share].iloc[-1]
        known = {name: lot[name] for name in HELD if not pd.isna(lot[name])}
        if lot["investment_class"] == "OPTIONS":
            known.setdefault("multiplier", CONTRACT)
        if lot["position_id"] not in by_own:
            known.pop("implied_volatility", None)
        return {name: value.date() if isinstance(value, pd.Timestamp) else value for name, value in known.items()}

    return terms


def as_held(trade: Trade, lots: pd.DataFrame) -> Trade:
    """Return a trade under the symbol of the portfolio's own lots: an OCC name is written with blanks or without."""
    return replace(trade, symbol=_held_symbol(trade.portfolio_id, trade.symbol, lots))


def _held_symbol(portfolio: str, symbol: str, lots: pd.DataFrame) -> str:
    """Return the symbol under which a portfolio holds what an OCC name means, else the symbol itself."""
    if occ_name(symbol) is None:
        return symbol
    own = lots.loc[lots["portfolio_id"] == portfolio, "symbol"].unique()
    return next((held for held in own if _unspaced(held) == _unspaced(symbol)), symbol)


def _unspaced(symbol: str) -> str:
    return "".join(symbol.upper().split())


def _units(lots: pd.DataFrame, panel: PricePanel, session: date) -> np.ndarray:
    """Return how many units of the session one unit of each lot's entry date is, by splits since."""
    dates = panel.dates
    end = int(np.searchsorted(dates, np.datetime64(session)))
    units = np.ones(len(lots))
    place = {symbol: column for column, symbol in enumerate(panel.symbols)}
    for row, lot in enumerate(lots.itertuples(index=False)):
        if lot.investment_class == "PUBLIC" and lot.symbol in place:
            first = int(np.searchsorted(dates, np.datetime64(lot.entry_date, "D"), side="right"))
            units[row] = float(np.prod(panel.split_factor[first : end + 1, place[lot.symbol]]))
    return units


def _sold_short(lots: pd.DataFrame, trades: Sequence[Trade], session: date) -> pd.DataFrame:
    """Return what the trades make short that was not, by portfolio and symbol, in units of the session."""
    key, day = ["portfolio_id", "symbol"], pd.Timestamp(session)
    held = lots[~(lots["exit_date"] <= day) & ~(lots["expiry"] <= day)]
    before = (held["quantity"] * held["units_since"]).groupby([held[name] for name in key]).sum()
    traded = pd.DataFrame([(t.portfolio_id, t.symbol, t.quantity) for t in trades], columns=[*key, "sold"])
    rows = traded.groupby(key, as_index=False)["sold"].sum()
    rows["held"] = before.reindex(pd.MultiIndex.from_frame(rows[key])).fillna(0.0).to_numpy(dtype=float)
    rows["after"] = rows["held"] + rows["sold"]
    is_short = (rows["held"] >= 0.0) & (rows["after"] < -DUST * rows["sold"].abs())
    return rows.loc[is_short, [*key, "held", "after"]].reset_index(drop=True)


def _beside(before: BookFrames, lots: pd.DataFrame) -> BookFrames:
    """Return the book with every portfolio twice: as it is, and under a second id with the lots after the trades."""
    parts: dict[str, pd.DataFrame] = {}
    for name, by in (("portfolios", []), ("lots", ["position_id"]), ("flows", ["flow_date"])):
        rows = getattr(before, name)
        after = (lots if name == "lots" else rows).copy()
        after["portfolio_id"] = after["portfolio_id"] + AFTER
        together = pd.concat([rows, after], ignore_index=True).astype(rows.dtypes.to_dict())
        parts[name] = together.sort_values(["portfolio_id", *by], kind="stable", ignore_index=True)
    return replace(before, **parts)


def _side(frames: Frames, *, after: bool) -> Frames:
    """Return the rows of one side under the portfolios' own ids; rows of symbols belong to both."""
    out = {}
    for name, rows in frames.items():
        key = "entity" if name == "analytics_skips" else "portfolio_id"
        if key not in rows:
            out[name] = rows
            continue
        of_symbols = rows["entity_type"] != "portfolio" if key == "entity" else False
        is_after = rows[key].astype(str).str.endswith(AFTER)
        some = rows[(is_after == after) | of_symbols]
        out[name] = some.assign(**{key: some[key].str.removesuffix(AFTER)}).reset_index(drop=True)
    return out


def _of_portfolios(skips: pd.DataFrame) -> pd.DataFrame:
    rows = skips[skips["entity_type"] == "portfolio"].rename(columns={"entity": "portfolio_id"})
    return rows[[*SKIP_KEY, "detail"]]


def trade_of(row: dict[str, Any]) -> Trade:
    """Return a row of ``positions`` as a trade."""
    terms = tuple((name, row[name]) for name in TERMS if row.get(name) is not None)
    return Trade(
        row["portfolio_id"], row["symbol"], row["quantity"], row["entry_price"], row["investment_class"], terms
    )


HELD = (
    *("investment_class", "underlying", "option_type", "strike", "expiry", "implied_volatility", "exercise"),
    *("multiplier", "currency", "proxy", "proxy_beta"),
)
"""Columns of ``positions`` that all lots of a portfolio under one symbol share."""
TERMS = (
    *("underlying", "option_type", "strike", "expiry", "implied_volatility", "exercise", "multiplier", "currency"),
    *("fees", "proxy", "proxy_beta"),
)
