"""Checks across the rows of an import: keys, lives of portfolios, flows of a day, assignments."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from ..config.measures import SECTORS, Measures, UnknownMeasureError
from ..tabular.rows import Problem
from . import tables


@dataclass(frozen=True)
class CheckedRow:
    """Values of a row as they are stored, and where it stands."""

    file: str
    line: int
    values: Mapping[str, Any]


YEAR = timedelta(days=366)
NO_SECTORS = ("unmapped", "private")
"""Buckets of the sector table that no company profile names."""
KEYS = {
    "portfolios": ("portfolio_id",),
    "positions": ("position_id",),
    "groups": ("group_id", "portfolio_id"),
    "benchmarks": ("benchmark", "symbol", "valid_from"),
    "marks": ("symbol", "mark_date"),
    "aliases": ("old_symbol", "change_date"),
    "implied_volatilities": ("symbol", "quote_date"),
    "limits": ("portfolio_id", "measure", "operator", "valid_from"),
}
EVERY_PORTFOLIO = "*"
WEIGHTS_TOLERANCE = 1e-4
"""Weights of a benchmark are taken to sum to one within this."""
SHARES = ("var_", "es_", "drawdown", "worst_drawdown")
"""What the names of measures begin with that no sensible limit sets above 100 % of NAV."""


def check_keys(
    engine: sa.Engine, rows: Mapping[str, list[CheckedRow]], named: set[str], problems: list[Problem]
) -> None:
    """Find duplicate rows, unknown portfolios, and position ids that belong to another portfolio."""
    with engine.connect() as connection:
        stored = set(connection.execute(sa.select(tables.portfolios.c.portfolio_id)).scalars())
        owners = {
            row.position_id: row.portfolio_id
            for row in connection.execute(sa.select(tables.positions.c.position_id, tables.positions.c.portfolio_id))
        }
        groups = set(connection.execute(sa.select(tables.portfolio_groups.c.group_id)).scalars())
    groups |= {EVERY_PORTFOLIO, *(row.values["group_id"] for row in rows.get("groups", []))}
    known = stored | named
    replaced = {row.values["portfolio_id"] for row in rows["positions"]}
    for kind in rows:
        key = KEYS.get(kind, ())
        seen: dict[tuple[Any, ...], CheckedRow] = {}
        for row in rows[kind]:
            values = tuple(row.values[name] for name in key)
            if key and values in seen:
                remedy = f"stands already on line {seen[values].line} of {seen[values].file}: give each row its own"
                problems.append(Problem(row.file, row.line, ", ".join(key), " ".join(map(str, values)), remedy))
            seen.setdefault(values, row)
            owners_known = known | groups if kind == "limits" else known
            if kind in ("positions", "flows", "limits") and row.values["portfolio_id"] not in owners_known:
                remedy = "is no portfolio: add it to the portfolios file"
                problems.append(Problem(row.file, row.line, "portfolio_id", row.values["portfolio_id"], remedy))
            owner = owners.get(row.values.get("position_id", ""))
            if kind == "positions" and owner is not None and owner not in replaced:
                remedy = f"is a position of portfolio {owner} already: choose another id"
                problems.append(Problem(row.file, row.line, "position_id", row.values["position_id"], remedy))


def check_lives(
    engine: sa.Engine, rows: Mapping[str, list[CheckedRow]], problems: list[Problem], notes: list[str]
) -> None:
    """Find lots and flows that lie outside the life of their portfolio."""
    with engine.connect() as connection:
        lives = {
            row.portfolio_id: (row.inception_date, row.closed_date)
            for row in connection.execute(sa.select(tables.portfolios))
        }
    for row in rows["portfolios"]:
        lives[row.values["portfolio_id"]] = (row.values["inception_date"], row.values["closed_date"])
    early: dict[tuple[str, str], list[CheckedRow]] = {}
    for kind, name in (("positions", "entry_date"), ("flows", "flow_date")):
        for row in rows[kind]:
            inception, closed = lives.get(row.values["portfolio_id"], (None, None))
            day = row.values[name]
            if closed and day >= closed:
                remedy = f"is not before the portfolio was closed, {closed}: correct one of them"
                problems.append(Problem(row.file, row.line, name, str(day), remedy))
            elif inception and day < inception:
                early.setdefault((kind, row.values["portfolio_id"]), []).append(row)
    for (kind, owner), entries in early.items():
        what = (
            "what they gained before counts in its first equity"
            if kind == "positions"
            else "they count in its first equity"
        )
        notes.append(
            f"{entries[0].file}, line {entries[0].line}{' and others' if len(entries) > 1 else ''}: {len(entries)} "
            f"of the {kind} of {owner} lie before its inception, {lives[owner][0]}: {what}"
        )


def note_removed(engine: sa.Engine, rows: Sequence[CheckedRow], notes: list[str]) -> None:
    """Say which symbols a portfolio holds fewer lots of than before: its positions take the place of all stored."""
    brought = Counter((row.values["portfolio_id"], row.values["symbol"]) for row in rows)
    owners = {owner for owner, _ in brought}
    stored = tables.positions.c
    with engine.connect() as connection:
        lots = connection.execute(sa.select(stored.portfolio_id, stored.symbol).where(~stored.is_deleted)).all()
    gone = Counter((owner, symbol) for owner, symbol in lots if owner in owners) - brought
    for owner in sorted({owner for owner, _ in gone}):
        symbols = [f"{symbol} ({count})" for (of, symbol), count in sorted(gone.items()) if of == owner]
        total = sum(count for (of, _), count in gone.items() if of == owner)
        more = f" and {len(symbols) - 5} more" if len(symbols) > 5 else ""
        notes.append(
            f"these files take the place of all positions of {owner}: {total} of the stored lots are in none of them "
            f"and go, {', '.join(symbols[:5])}{more}"
        )


def check_benchmarks(rows: list[CheckedRow], problems: list[Problem]) -> None:
    """Find benchmarks whose weights of a day don't sum to one."""
    sets: dict[tuple[str, date], list[CheckedRow]] = {}
    for row in rows:
        sets.setdefault((row.values["benchmark"], row.values["valid_from"]), []).append(row)
    for (name, day), members in sets.items():
        total = sum(row.values["weight"] for row in members)
        if abs(total - 1.0) > WEIGHTS_TOLERANCE:
            remedy = f"the weights of {name} from {day} sum to {total:g}: they must sum to 1, each a share such as 0.6"
            first = members[0]
            problems.append(Problem(first.file, first.line, "weight", f"{first.values['weight']:g}", remedy))


def check_groups(engine: sa.Engine, rows: Mapping[str, list[CheckedRow]], problems: list[Problem]) -> None:
    """Find groups with the name of a portfolio, with members that are none, or with members of several currencies."""
    with engine.connect() as connection:
        stored = connection.execute(sa.select(tables.portfolios.c.portfolio_id, tables.portfolios.c.currency)).all()
        members = connection.execute(sa.select(tables.portfolio_groups)).all()
    currency: dict[str, str] = {row.portfolio_id: row.currency for row in stored}
    currency |= {row.values["portfolio_id"]: row.values["currency"] for row in rows["portfolios"]}
    given = {row.values["group_id"] for row in rows["groups"]}
    kept = [(row.group_id, row.portfolio_id) for row in members if row.group_id not in given]
    kept_groups = {group for group, _ in kept}
    for row in rows["portfolios"]:
        owner = row.values["portfolio_id"]
        if owner in kept_groups:
            remedy = "is the name of a group: choose another id, or remove the group first"
            problems.append(Problem(row.file, row.line, "portfolio_id", owner, remedy))
        for group in sorted({group for group, member in kept if member == owner}):
            others = {currency.get(member) for name, member in kept if name == group} - {currency[owner]}
            if others:
                remedy = f"is another than that of the others in group {group}: a group needs one currency"
                problems.append(Problem(row.file, row.line, "currency", currency[owner], remedy))
    first: dict[str, CheckedRow] = {}
    for row in rows["groups"]:
        group, member = row.values["group_id"], row.values["portfolio_id"]
        earlier = first.setdefault(group, row).values["portfolio_id"]
        if group in currency:
            remedy = "is a portfolio: give the group a name of its own"
            problems.append(Problem(row.file, row.line, "group", group, remedy))
        elif member in given | kept_groups:
            problems.append(Problem(row.file, row.line, "portfolio", member, "is a group: list its portfolios instead"))
        elif member not in currency:
            remedy = "is no portfolio: add it to the portfolios file"
            problems.append(Problem(row.file, row.line, "portfolio", member, remedy))
        elif earlier in currency and currency[member] != currency[earlier]:
            remedy = (
                f"is in {currency[member]}, {earlier} of the same group in {currency[earlier]}: the money of a group "
                "needs one currency; make a group of each"
            )
            problems.append(Problem(row.file, row.line, "portfolio", member, remedy))


def with_measures(
    engine: sa.Engine, rows: list[CheckedRow], measures: Measures, problems: list[Problem], notes: list[str]
) -> list[CheckedRow]:
    """Return limits with each measure as it is spelled; one that there isn't, or an unknown sector, is a problem."""
    profiles = tables.company_profiles.c
    with engine.connect() as connection:
        sectors = {
            *connection.execute(sa.select(profiles.sector).where(profiles.sector.is_not(None)).distinct()).scalars()
        }
    spelled = {sector.lower(): sector for sector in sectors}
    out = []
    for row in rows:
        written = row.values["measure"]
        try:
            measure = measures.resolve(written)
        except UnknownMeasureError as error:
            problems.append(Problem(row.file, row.line, "measure", written, str(error)))
            continue
        name, item = measure.name, measure.item
        if measure.table == SECTORS and item is not None and item.lower() not in NO_SECTORS:
            if sectors and item.lower() not in spelled:
                remedy = f"names no sector of a company profile: there are {', '.join(sorted(sectors))}"
                problems.append(Problem(row.file, row.line, "measure", written, remedy))
                continue
            name = name.replace(item, spelled.get(item.lower(), item))
        limit = row.values["limit_value"]
        if name.startswith(SHARES) and limit is not None and abs(limit) > 1.0:
            notes.append(
                f"{row.file}, line {row.line}: the limit of {name} is {100 * limit:,.0f} % of NAV: "
                "a decimal is meant, .02 for 2 %"
            )
        out.append(CheckedRow(row.file, row.line, {**row.values, "measure": name}))
    return out


def added_up(flows: list[CheckedRow], notes: list[str]) -> list[CheckedRow]:
    """Return flows with those of one portfolio and day added up."""
    days: dict[tuple[Any, Any], list[CheckedRow]] = {}
    for row in flows:
        days.setdefault((row.values["portfolio_id"], row.values["flow_date"]), []).append(row)
    out = []
    for (owner, day), rows in days.items():
        amount = sum(row.values["amount"] for row in rows)
        if len(rows) > 1:
            lines = ", ".join(str(row.line) for row in rows[:5]) + (" …" if len(rows) > 5 else "")
            notes.append(f"{rows[0].file}, line {lines}: the flows of {owner} on {day} were added up to {amount:,.2f}")
        out.append(CheckedRow(rows[0].file, rows[0].line, {**rows[0].values, "amount": amount}))
    return out


def with_own_ids(rows: list[CheckedRow], unnamed: set[int]) -> list[CheckedRow]:
    """Return positions in which an id made of portfolio and line holds the file too, where several files give it.

    ``unnamed`` are the rows to which their file gives no id; those of the first file keep theirs.
    """
    first: dict[str, str] = {}
    out = []
    for number, row in enumerate(rows):
        if number in unnamed and first.setdefault(row.values["portfolio_id"], row.file) != row.file:
            stem = re.sub(r"[^A-Za-z0-9._-]+", "-", row.file)
            own = f"{row.values['portfolio_id']}:{stem}:{row.line:06d}"[-64:].lstrip("._:/- ")
            row = CheckedRow(row.file, row.line, {**row.values, "position_id": own})  # noqa: PLW2901
        out.append(row)
    return out


def note_future(rows: list[CheckedRow], today: date | None, notes: list[str]) -> None:
    """Say how many lots are entered more than a year from today: the year may be a slip."""
    if today is None:
        return
    late = [row for row in rows if row.values["entry_date"] > today + YEAR]
    if late:
        first = min(late, key=lambda row: row.values["entry_date"])
        notes.append(
            f"{first.file}, line {first.line}{' and others' if len(late) > 1 else ''}: {len(late)} lots are entered "
            f"more than a year after today, the first on {first.values['entry_date']}: they are not held before"
        )


def note_negative_fees(rows: list[CheckedRow], notes: list[str]) -> None:
    """Say how many lots have fees below zero: brokers write what was paid with either sign."""
    fees = ("fees", "exit_fees")
    paid_back = [row for row in rows if min(row.values.get(name) or 0.0 for name in fees) < 0]
    if paid_back:
        first = paid_back[0]
        notes.append(
            f"{first.file}, line {first.line}{' and others' if len(paid_back) > 1 else ''}: fees of {len(paid_back)} "
            "lots are below zero, so they raise the equity: write what was paid without a sign"
        )


def mark_assigned(rows: list[CheckedRow], notes: list[str]) -> list[CheckedRow]:
    """Return positions in which an option that was exercised or assigned ends at nothing.

    Its worth is in the shares: they were delivered on the expiry day at the strike, exactly as many as the contracts
    stand for. Settled at its intrinsic value beside them, it would count twice.
    """
    delivered: dict[tuple[Any, ...], float] = {}
    for row in rows:
        lot = row.values
        if lot["investment_class"] != "PUBLIC" or lot["is_deleted"]:
            continue
        units = lot["quantity"] * (lot["multiplier"] or 1.0)
        for day, price, sign in (("entry_date", "entry_price", 1.0), ("exit_date", "exit_price", -1.0)):
            key = (lot["portfolio_id"], lot["symbol"], lot[day], lot[price])
            delivered[key] = delivered.get(key, 0.0) + sign * units
    promised: dict[tuple[Any, ...], float] = {}
    for row in rows:
        if (ending := _delivery(row)) is not None:
            promised[ending] = promised.get(ending, 0.0) + _shares(row)
    out = []
    for row in rows:
        ending = _delivery(row)
        shares = delivered.get(ending[:-1], 0.0) if ending else 0.0
        if ending and shares and shares == promised[ending]:
            lot = row.values
            notes.append(
                f"{row.file}, line {row.line}: {lot['symbol']} was exercised or assigned, {shares:,g} "
                f"{lot['underlying']} stand at its strike on {lot['expiry']}: it ends at 0"
            )
            ended = {**lot, "exit_date": lot["expiry"], "exit_price": 0.0}
            row = CheckedRow(row.file, row.line, ended)  # noqa: PLW2901
        elif ending and shares * promised[ending] > 0:
            notes.append(
                f"{row.file}, line {row.line}: {shares:,g} {row.values['underlying']} stand at the strike of "
                f"{row.values['symbol']} on its expiry: if it was exercised or assigned, give it the exit price 0, "
                "or it counts twice"
            )
        out.append(row)
    return out


def _delivery(row: CheckedRow) -> tuple[Any, ...] | None:
    """Return portfolio, underlying, expiry, strike and type of an option that has no exit, None of anything else."""
    lot = row.values
    if lot["investment_class"] != "OPTIONS" or lot["exit_date"] is not None or lot["is_deleted"]:
        return None
    return tuple(lot[name] for name in ("portfolio_id", "underlying", "expiry", "strike", "option_type"))


def _shares(row: CheckedRow) -> float:
    """Return the shares that an option's exercise brings, negative where they go."""
    lot = row.values
    sign = 1.0 if lot["option_type"] == "CALL" else -1.0
    return float(sign * lot["quantity"] * (lot["multiplier"] or 100.0))
