"""Validation of the rows of each kind of import."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..symbols import EUROPEAN, OccName, made_occ_name, occ_name
from ..tabular.currencies import HUNDREDTHS
from .import_cells import Cell

CLASSES = {
    "PUBLIC": "PUBLIC",
    "STOCK": "PUBLIC",
    "EQUITY": "PUBLIC",
    "ETF": "PUBLIC",
    "FUND": "PUBLIC",
    "MUTUAL FUND": "PUBLIC",
    "CRYPTO": "PUBLIC",
    "BOND": "PUBLIC",
    "FUTURE": "PUBLIC",
    "OPTIONS": "OPTIONS",
    "OPTION": "OPTIONS",
    "PRIVATE": "PRIVATE",
}
NEED_MULTIPLIER = {
    "BOND": "0.01 where the quantity is the face value and the price is in % of it",
    "FUTURE": "what one point of its price is worth, such as 50 for ES",
}
NO_POSITION = {
    "CASH": "cash is no position: it follows from starting_equity and flows; leave the row out",
    "FX": "write a currency pair as PUBLIC, its symbol such as EURUSD=X",
}
OPERATOR_WORDS = {
    **dict.fromkeys(("<=", "≤", "at most", "max"), "<="),
    **dict.fromkeys((">=", "≥", "at least", "min"), ">="),
    **dict.fromkeys(("abs<=", "abs <=", "abs"), "abs<="),
}
OPTION_TYPES = {"C": "CALL", "CALL": "CALL", "P": "PUT", "PUT": "PUT"}
HIGHEST_VOLATILITY = 5.0
HIGHEST_WEIGHT = 10.0
HIGHEST_PROXY_BETA = 10.0


def portfolio_row(cell: Cell) -> dict[str, Any]:
    """Read a portfolio."""
    equity = cell.number("starting_equity")
    currency = cell.currency("currency", "starting_equity") or "USD"
    if currency in HUNDREDTHS:
        cell.bad("currency", f"is a hundredth: keep the portfolio in {HUNDREDTHS[currency]}")
    inception, closed = cell.day("inception_date"), cell.day("closed_date", required=False)
    if inception and closed and closed <= inception:
        cell.bad("closed_date", f"must be after the inception date, {inception}")
    return {
        "portfolio_id": cell.identifier("portfolio_id"),
        "name": cell.text("name"),
        "currency": currency,
        "inception_date": inception,
        "closed_date": closed,
        "starting_equity": equity,
        "benchmark": cell.symbol("benchmark") if cell.values.get("benchmark") else None,
    }


def asset_class(written: str) -> str | None:
    """Return the class that a text means, None if it means none."""
    return CLASSES.get(_plain(written))


def _plain(written: str) -> str:
    return " ".join(written.upper().replace("_", " ").split())


def position_row(cell: Cell) -> dict[str, Any]:
    """Read a lot; its class is normalised and never empty."""
    written = _plain(cell.values.get("investment_class", ""))
    kind = CLASSES.get(written)
    if kind is None:
        remedy = "must be PUBLIC (or STOCK, ETF, FUND, BOND, CRYPTO, FUTURE), OPTIONS or PRIVATE"
        cell.bad("investment_class", NO_POSITION.get(written, remedy))
    quantity = cell.number("quantity")
    if quantity == 0:
        cell.bad("quantity", "must not be zero: a short position is negative")
    multiplier = cell.positive("multiplier", required=False)
    if multiplier is None and written in NEED_MULTIPLIER:
        cell.bad("multiplier", f"a {written} needs one: {NEED_MULTIPLIER[written]}")
    deleted = cell.values.get("is_deleted", "").lower()
    if deleted not in ("", "0", "1", "false", "true"):
        cell.bad("is_deleted", "must be true or false")
    entry, entry_price = cell.day("entry_date"), cell.price("entry_price")
    option = _option_fields(cell, kind, entry)
    row = {
        "position_id": None,
        "portfolio_id": cell.identifier("portfolio_id"),
        "symbol": cell.symbol("symbol", is_priced=kind == "PUBLIC"),
        "investment_class": kind,
        "quantity": quantity,
        "entry_date": entry,
        "entry_price": entry_price,
        **_exit_fields(cell, kind, entry, option["expiry"]),
        "is_deleted": deleted in ("1", "true"),
        **option,
        "multiplier": multiplier,
        "currency": cell.currency("currency", "entry_price"),
        "fees": cell.number("fees", required=False),
        **_proxy_fields(cell, kind),
    }
    if row["currency"] in HUNDREDTHS and kind == "PRIVATE":
        cell.bad("currency", f"of a PRIVATE position is that of its marks: write {HUNDREDTHS[row['currency']]}")
    if row["currency"] in HUNDREDTHS:  # a price in pence is one in pounds; fees are money and not quoted
        row["currency"] = HUNDREDTHS[row["currency"]]
        prices = {name: row[name] for name in ("entry_price", "exit_price", "strike") if row[name] is not None}
        row |= {name: price / 100.0 for name, price in prices.items()}
    given_id = cell.values.get("position_id", "")
    row["position_id"] = cell.identifier("position_id") if given_id else f"{row['portfolio_id']}:{cell.line:06d}"[-64:]
    return row


def _exit_fields(cell: Cell, kind: str | None, entry: date | None, expiry: date | None) -> dict[str, Any]:
    day, price = cell.day("exit_date", required=False), cell.price("exit_price", required=False)
    if entry and day and day < entry:
        cell.bad("exit_date", f"must not be before the entry date, {entry}")
    if day and expiry and day > expiry:
        cell.bad("exit_date", f"is after the expiry, {expiry}: leave exit date and price empty if it expired")
    if price is not None and not cell.values.get("exit_date"):
        cell.bad("exit_price", "goes with an exit_date")
    if day and price is None and not cell.values.get("exit_price") and kind in ("OPTIONS", "PRIVATE"):
        cell.bad("exit_price", f"a {kind} position that was sold needs the price it was sold for")
    return {"exit_date": day, "exit_price": price, "exit_fees": cell.number("exit_fees", required=False)}


PROXY_COLUMNS = ("proxy", "proxy_beta")


def _proxy_fields(cell: Cell, kind: str | None) -> dict[str, Any]:
    """Read what the risk of a private asset is taken to follow; a beta of one unless given."""
    given = [name for name in PROXY_COLUMNS if cell.values.get(name)]
    if not given or kind != "PRIVATE":
        for name in given:
            cell.bad(name, "is only for PRIVATE: leave it empty, what has a price has a risk of its own")
        return dict.fromkeys(PROXY_COLUMNS)
    if "proxy" not in given:
        cell.bad("proxy_beta", "goes with a proxy: name the symbol that the asset follows")
        return dict.fromkeys(PROXY_COLUMNS)
    beta = cell.number("proxy_beta", required=False)
    if beta is not None and abs(beta) > HIGHEST_PROXY_BETA:
        cell.bad("proxy_beta", f"is beyond {HIGHEST_PROXY_BETA:g}: write 0.8 for 80 % of the proxy's return")
    return {"proxy": cell.symbol("proxy"), "proxy_beta": 1.0 if beta is None else beta}


OPTION_COLUMNS = ("underlying", "option_type", "strike", "expiry", "implied_volatility", "exercise")


def _option_fields(cell: Cell, kind: str | None, entry: date | None) -> dict[str, Any]:
    if kind != "OPTIONS":
        for name in OPTION_COLUMNS:
            if cell.values.get(name):
                cell.bad(name, "is only for OPTIONS: leave it empty or change investment_class")
        return dict.fromkeys(OPTION_COLUMNS)
    named = occ_name(cell.values.get("symbol", ""))
    if named and named.is_adjusted and not cell.values.get("multiplier"):
        cell.bad("symbol", "is an adjusted contract: give its multiplier and underlying")
    option_type = OPTION_TYPES.get(cell.values.get("option_type", "").upper(), named.option_type if named else None)
    if option_type is None:
        cell.bad("option_type", "must be CALL or PUT")
    is_given = {name: bool(cell.values.get(name)) for name in OPTION_COLUMNS}
    expiry = cell.day("expiry") if is_given["expiry"] or not named else named.expiry
    strike = cell.positive("strike") if is_given["strike"] or not named else named.strike
    underlying = cell.symbol("underlying") if is_given["underlying"] or not named else named.underlying
    if named:
        _compare(cell, named, option_type, strike, expiry)
    if expiry and entry and expiry < entry:
        cell.bad("expiry", f"must not be before the entry date, {entry}")
    volatility = cell.positive("implied_volatility", required=False)
    if volatility is not None and volatility > HIGHEST_VOLATILITY:
        cell.bad("implied_volatility", "is over 500 %: write 0.25 for 25 %")
    exercise = cell.values.get("exercise", "").lower()
    if exercise not in ("", "american", "european"):
        cell.bad("exercise", "must be american or european")
    return {
        "underlying": underlying,
        "option_type": option_type,
        "strike": strike,
        "expiry": expiry,
        "implied_volatility": volatility,
        "exercise": exercise or ("european" if underlying in EUROPEAN else "american"),
    }


def _compare(cell: Cell, named: OccName, option_type: str | None, strike: float | None, expiry: date | None) -> None:
    for column, said, given in (
        ("option_type", named.option_type, option_type),
        ("strike", named.strike, strike),
        ("expiry", named.expiry, expiry),
    ):
        if given is not None and given != said:
            cell.bad(column, f"is another than the symbol says, {said}: correct one of them")


def group_row(cell: Cell) -> dict[str, Any]:
    """Read a member of a group."""
    return {"group_id": cell.identifier("group"), "portfolio_id": cell.identifier("portfolio")}


def benchmark_row(cell: Cell) -> dict[str, Any]:
    """Read the weight of a symbol in a benchmark."""
    weight = cell.number("weight")
    if weight is not None and not 0 < abs(weight) <= HIGHEST_WEIGHT:
        cell.bad("weight", "must be a share such as 0.6: the weights of a day sum to 1")
    cell.no_sign("weight")
    return {
        "benchmark": cell.symbol("benchmark"),
        "symbol": cell.symbol("symbol"),
        "valid_from": cell.day("valid_from"),
        "weight": weight,
    }


def flow_row(cell: Cell) -> dict[str, Any]:
    """Read a payment into (positive) or out of a portfolio."""
    return {
        "portfolio_id": cell.identifier("portfolio_id"),
        "flow_date": cell.day("flow_date"),
        "amount": _own_currency(cell, "amount", cell.number("amount")),
    }


def mark_row(cell: Cell) -> dict[str, Any]:
    """Read the mark of a private asset or of a listed option."""
    return {
        "symbol": cell.symbol("symbol", is_priced=False),
        "mark_date": cell.day("mark_date"),
        "price": _own_currency(cell, "price", cell.price("price")),
    }


def volatility_row(cell: Cell) -> dict[str, Any]:
    """Read an implied volatility: of the option that a symbol names, or that its terms describe."""
    symbol = cell.values.get("symbol", "")
    named = occ_name(symbol)
    is_given = {name: bool(cell.values.get(name)) for name in ("underlying", "strike", "expiry", "option_type")}
    option_type = None if named is None else named.option_type
    if is_given["option_type"]:
        option_type = OPTION_TYPES.get(cell.values["option_type"].upper())
        if option_type is None:
            cell.bad("option_type", "must be CALL or PUT, or empty for both")
    has_terms = any(is_given[name] for name in ("underlying", "strike", "expiry"))
    underlying = expiry = strike = None
    if named is not None and not named.is_adjusted:
        underlying, expiry, strike = named.underlying, named.expiry, named.strike
    if has_terms or not symbol:
        underlying = cell.symbol("underlying") if is_given["underlying"] or underlying is None else underlying
        expiry = cell.day("expiry") if is_given["expiry"] or expiry is None else expiry
        strike = cell.positive("strike") if is_given["strike"] or strike is None else strike
    if named is not None:
        _compare(cell, named, option_type, strike, expiry)
    day, volatility = cell.day("date"), cell.positive("volatility")
    if volatility is not None and volatility > HIGHEST_VOLATILITY:
        cell.bad("volatility", "is over 500 %: write 0.25 for 25 %")
    if day and expiry and day > expiry:
        cell.bad("date", f"is after the expiry, {expiry}")
    if symbol:
        symbol = cell.symbol("symbol", is_priced=False)
    elif underlying and expiry and strike:
        symbol = made_occ_name(underlying, expiry, option_type, strike)
    return {
        "symbol": symbol,
        "quote_date": day,
        "underlying": underlying,
        "expiry": expiry,
        "strike": strike,
        "option_type": option_type,
        "volatility": volatility,
    }


def alias_row(cell: Cell) -> dict[str, Any]:
    """Read a change of ticker: from ``date`` on the symbol ``old`` is ``new``."""
    row = {
        "old_symbol": cell.symbol("old"),
        "new_symbol": cell.symbol("new"),
        "change_date": cell.day("date"),
    }
    if row["old_symbol"] == row["new_symbol"]:
        cell.bad("new", "is the old symbol again: leave the row out")
    return row


def limit_row(cell: Cell) -> dict[str, Any]:
    """Read a limit; a row without one ends the limit on its day."""
    written = " ".join(cell.values.get("operator", "").lower().split())
    operator = OPERATOR_WORDS.get(written)
    if operator is None:
        cell.bad("operator", "says what must hold: <= (at most), >= (at least), or abs<= (of the absolute value)")
    limit, warning = cell.number("limit", required=False), cell.number("warning", required=False)
    if limit is None and warning is not None:
        cell.bad("limit", "is empty beside a warning: give both, or leave both empty to end the limit on that day")
    if limit is not None and limit < 0 and operator == "abs<=":
        cell.bad("limit", "of an absolute value must not be below zero")
    if limit is not None and warning is not None:
        beyond = warning < limit if operator == ">=" else warning > limit
        if beyond:
            cell.bad("warning", f"lies beyond the limit, {limit:g}: a warning comes before it")
    for column in ("limit", "warning"):
        cell.no_sign(column)
    portfolio = cell.values.get("portfolio_id", "")
    return {
        "portfolio_id": "*" if portfolio == "*" else cell.identifier("portfolio_id"),
        "measure": cell.text("measure"),
        "operator": operator,
        "valid_from": cell.day("valid_from"),
        "warning_value": warning,
        "limit_value": limit,
    }


def _own_currency(cell: Cell, column: str, value: float | None) -> float | None:
    cell.no_sign(column)
    return value
