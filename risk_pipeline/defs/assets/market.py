"""Market data, its coverage and the price panel that every analytic reads."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from ...analytics.basis import unit_levels
from ...currencies import pair_currencies
from ...memory import give_back_tables
from ...risk.lookback import panel_start
from ...settings import Settings
from ...storage import tables
from ...storage.bars_at_hand import let_go
from ...storage.coverage import update_coverage
from ...storage.database import place_of
from ...storage.gaps import gaps_to_ask, record_gaps
from ...storage.market_data import (
    StoredBars,
    asked_ranges,
    extend_ranges,
    give_up,
    last_units,
    newest_session,
    restated_symbols,
    sessions_with_bars,
    store_bars,
    store_quarantined,
    store_quotes,
)
from ...storage.price_panel import build_panel
from ...storage.queries import portfolios
from ...storage.result_inputs import forget_passed, newest_revision, pass_over
from ..backfills import sessions_to_fetch
from ..code_version import code_version
from ..partitions import ANALYTIC, CALENDAR, DAILY, run_sessions, run_started
from ..resources import Database, MarketData, PriceCache, Registries
from .failures import with_remedy
from .fetches import CARRIED, answered, fetched_spans, spans_to_fetch, within
from .inputs import history_needed
from .metadata import Stopwatch, definition_metadata, materialized

if TYPE_CHECKING:
    from ...market.source import MarketBars, MarketDataSource

GROUP = "market"


class PriceOptions(dg.Config):
    """What a person may set for one run on the launchpad."""

    fetch_history_again: bool = Field(
        default=False,
        description="Ask the source again for the whole history that the run reads, not only for its own sessions. "
        "Changed prices go to price_restatements before they are stored.",
    )


@dg.asset(
    **DAILY,
    code_version=code_version("market", "risk/lookback.py", "config/factors.yaml"),
    deps=["portfolios", "factor_definitions"],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(
        tables.market_data_cache,
        tables.market_data_ranges,
        tables.market_data_gaps,
        tables.price_restatements,
        tables.symbol_quotes,
        tables.quarantined_bars,
    ),
)
@with_remedy
def market_data(
    context: dg.AssetExecutionContext,
    config: PriceOptions,
    db: Database,
    market: MarketData,
    registries: Registries,
) -> dg.MaterializeResult:
    """Prices, dividends and splits as traded, of every symbol held or used as a factor proxy.

    The sessions of the run and the ten up to its last are always asked for again, so that a restated price is seen;
    the look-back of a symbol is asked for on its first sight, and a gap in it again with growing intervals. A changed
    price goes to `price_restatements` before it is stored. Where an adjusted series has a new base, the symbol's whole
    history is read again.
    A session without any bar fails the run by name, unless the source has bars of a later one: then none will come,
    and it is given up with a reason. The sessions that have bars stay. A backfill with holes is several runs: the
    first of them fetches the prices of all its sessions, the others do not ask again.
    """
    watch = Stopwatch()
    source = market.joined(db)
    own = run_sessions(context)
    fetched_now = sessions_to_fetch(context, own, place_of(db.engine))
    known_at = run_started(context).replace(tzinfo=None)
    rows = restated = 0
    errors: dict[str, str] = {}
    dropped: dict[str, str] = {}
    notes: dict[str, str] = {}
    fetched_from: dict[str, date] = {}
    gaps: dict[str, date] = {}
    needs = history_needed(db, registries, fetched_now or own)
    while fetched_now:  # a price says its currency, which may need another pair
        needs = history_needed(db, registries, fetched_now)
        new = [first < fetched_from.get(symbol, date.max) for symbol, first, _ in needs.itertuples(index=False)]
        if not any(new):
            break
        fetched_from |= dict(zip(needs["symbol"], needs["first"], strict=True))
        asked = {} if config.fetch_history_again else asked_ranges(db.engine, list(needs["symbol"]))
        gaps |= gaps_to_ask(db.engine, _before(needs[new], fetched_now), known_at)
        for spans in spans_to_fetch(needs[new], asked, look_again_from(fetched_now), gaps):
            first = min(start for start, _ in spans.values())
            with watch.stage("source"):
                fetched = fetched_spans(source, spans)
                coded = _coded(fetched.bars, source.name)
                bars = within(coded, spans)
            with watch.stage("database"):
                bars, switched = _without_unit_switches(db, bars, first)
                stored = store_fetched(db, source, bars, known_at)
                store_quotes(db.engine, _quotes(coded, fetched.currencies, registries))
                # doubtful bars are fetched again in full until the source corrects them
                sound = {*bars["symbol"].unique()} - {*fetched.errors, *fetched.dropped, *switched}
                if len(bars):
                    extend_ranges(db.engine, answered(bars, {symbol: spans[symbol] for symbol in sound}))
            rows, restated = rows + stored.rows, restated + stored.restatements
            news = (fetched.errors, {**fetched.dropped, **switched}, _notes(fetched))
            errors, dropped, notes = ({**old, **new} for old, new in zip((errors, dropped, notes), news, strict=True))
    if fetched_now:
        record_gaps(db.engine, _before(needs, fetched_now), CALENDAR.sessions_in_range, gaps, known_at)
    _log(context, {**dropped, **errors}, notes, restated_symbols(db.engine, known_at))
    sessions = sorted({*own, *fetched_now})
    present = sessions_with_bars(db.engine, sessions)
    absent = [day for day in sessions if day not in present]
    given_up = _given_up(context, db, sessions, absent)
    unanswered = [day for day in absent if day not in given_up]
    forget_passed(db.engine, {*sessions} - {*unanswered})
    empty = [day for day in own if day in unanswered]
    # of the backfill's other runs; and where this one fails, of its own sessions that have been answered
    for day in sorted({*present, *given_up} - (set() if empty else {*own})):
        context.log_event(dg.AssetMaterialization("market_data", partition=day.isoformat()))
    if empty:
        pass_over(db.engine, empty, next(iter(errors.values()), "the source has no bar"), known_at)
        raise _without_data(market.source.name, empty, errors)
    return dg.MaterializeResult(
        metadata={
            "symbols": len(needs),
            "sessions_fetched": len(fetched_now),
            "run/rows": rows,
            "restatements": restated,
            "sessions_given_up": [str(day) for day in given_up],
            "symbols_with_errors": len(errors),
            "symbols_with_dropped_bars": len(dropped),
            "errors": dg.MetadataValue.json(dict(sorted(errors.items())[:20])),
            "source": market.source.name,
            **watch.metadata,
        }
    )


def _coded(bars: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return bars that say where they are from, their texts as categories: millions of rows have few different ones."""
    source = bars["source"] if "source" in bars else pd.Categorical.from_codes(np.zeros(len(bars), int), [name])
    return bars.assign(source=source).astype(dict.fromkeys(("symbol", "basis", "source"), "category"))


def _notes(fetched: "MarketBars") -> dict[str, str]:
    """Return what the source said of symbols that is no fault, and its remarks on columns."""
    return {**fetched.notes, **dict(map(_subject, fetched.remarks))}


def _without_data(source: str, empty: list[date], errors: dict[str, str]) -> dg.Failure:
    """Return the failure that names the sessions without any bar."""
    why = f" ({next(iter(errors.values()))})" if errors else ""
    return dg.Failure(
        f"the source {source!r} has no bar at all for "
        f"{', '.join(map(str, empty[:10]))}{' …' if len(empty) > 10 else ''}{why}; run these sessions again "
        "when it has",
        metadata={"sessions_without_data": [str(day) for day in empty]},
        allow_retries=False,
    )


def _given_up(context: dg.AssetExecutionContext, db: Database, sessions: list[date], absent: list[date]) -> list[date]:
    """Record and return those of the absent sessions for which it is no use to wait: the source has later ones."""
    newest = newest_session(db.engine)
    found = [day for day in absent if newest is not None and day < newest]
    give_up(db.engine, sessions, found, CALENDAR.exchange)
    for day in found:
        context.log.warning(f"{day} is given up: the source has no bar of it, but of later sessions")
    return found


def _subject(remark: str) -> tuple[str, str]:
    """Return what a source's remark is about, a file, and the rest of it."""
    subject, _, text = remark.partition(": ")
    return subject, text


def _log(
    context: dg.AssetExecutionContext, doubtful: dict[str, str], notes: dict[str, str], restated: pd.DataFrame
) -> None:
    """Warn of each doubtful symbol and of corrected prices.

    What is no fault is one event, since each costs as much as a query.
    """
    if len(restated):
        context.log.warning(_restated(restated))
    for symbol, text in sorted(doubtful.items()):
        context.log.warning(f"{symbol}: {text}")
    shown = [f"{symbol}: {text}" for symbol, text in sorted(notes.items())[:20]]
    if shown:
        context.log.info("\n".join([*shown, *([f"and {len(notes) - 20} more"] if len(notes) > 20 else [])]))


def _restated(found: pd.DataFrame) -> str:
    """Return in words which stored prices the source has corrected."""
    named = [
        f"{symbol} ({sessions} from {str(first)[:10]})" for symbol, sessions, first in found.itertuples(index=False)
    ]
    more = f" and {len(named) - 5} symbols more" if len(named) > 5 else ""
    count = int(found["sessions"].sum())
    return (
        f"the source has corrected prices of {count} stored session{'' if count == 1 else 's'}: "
        f"{', '.join(named[:5])}{more}; the old ones are in price_restatements"
    )


def look_again_from(sessions: list[date]) -> date:
    """Return the first session that is asked for again: the run's own, or the last ten up to its last."""
    return min(sessions[0], CALENDAR.look_back_from(sessions[-1], Settings().look_again - 1))


def _before(needs: pd.DataFrame, sessions: list[date]) -> pd.DataFrame:
    """Return the sessions of each symbol before those that a run asks for again anyway; none of some symbols."""
    until = CALENDAR.look_back_from(look_again_from(sessions), 1)
    spans = needs.assign(last=[min(last, until) for last in needs["last"]])
    return spans[spans["first"] <= spans["last"]]


def store_fetched(db: Database, source: "MarketDataSource", bars: pd.DataFrame, known_at: datetime) -> StoredBars:
    """Store bars; of symbols that have a new base read the whole history, in place of what is stored of them.

    The whole history is what was asked for before and what ``bars`` hold, which may begin earlier.
    """
    stored = store_bars(db.engine, bars, known_at=known_at)
    if not stored.rebased:
        return stored
    asked = asked_ranges(db.engine, list(stored.rebased)).values()  # none of a symbol with doubtful bars
    fetched_now = bars.loc[bars["symbol"].isin(list(stored.rebased)), "session"]
    first = min([fetched_now.min().date(), *(first for first, _ in asked)])
    last = max([fetched_now.max().date(), *(last for _, last in asked)])
    fetched = source.fetch(list(stored.rebased), CALENDAR.index(first, last))
    history = _coded(fetched.bars, source.name)
    history, _ = _without_unit_switches(db, history, first)
    whole = {*history["symbol"].unique()} - {*fetched.errors}
    ratios = {symbol: ratio for symbol, ratio in stored.rebased.items() if symbol in whole}
    again = store_bars(db.engine, history, known_at=known_at, rebased=ratios)
    return StoredBars(stored.rows + again.rows, stored.restatements + again.restatements)


def _without_unit_switches(db: Database, bars: pd.DataFrame, first: date) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the bars in the unit in which their series began, and what is said of the symbols that switched it.

    The others are kept in ``quarantined_bars``: to what is computed they are gaps.
    """
    code, names = pd.factorize(bars["symbol"], sort=True)
    by_symbol = np.lexsort([bars["session"].to_numpy(), code.astype(np.min_scalar_type(len(names)))])
    before = last_units(
        db.engine, list(names), CALENDAR.look_back_from(first, CARRIED), CALENDAR.look_back_from(first, 1)
    )
    levels = unit_levels(
        code[by_symbol],
        bars["close"].to_numpy(dtype=float)[by_symbol],
        bars["split_factor"].to_numpy(dtype=float)[by_symbol],
        np.array([before.get(name, (np.nan, 0))[1] for name in names], dtype=np.int64),
        np.array([before.get(name, (np.nan, 0))[0] for name in names]),
    )
    is_wrong = levels != 0
    wrong = bars.iloc[by_symbol[is_wrong]].assign(unit_level=levels[is_wrong])
    store_quarantined(db.engine, wrong, bars)
    said = {
        symbol: f"quotes switched their unit by a hundred on {rows['session'].iloc[0].date()} "
        f"({rows['close'].iloc[0]:g}); {len(rows)} bars are not used until the source gives one unit"
        for symbol, rows in wrong.groupby("symbol")
    }
    sound = bars.iloc[np.sort(by_symbol[~is_wrong])] if len(wrong) else bars
    return sound.reset_index(drop=True), said


def _quotes(
    bars: pd.DataFrame, currencies: Mapping[str, str], registries: Registries
) -> dict[str, tuple[str | None, str]]:
    """Return the currency and basis of the symbols that have bars; a pair is priced in its second currency."""
    factors = registries.factors
    latest = bars.drop_duplicates("symbol", keep="last")
    out: dict[str, tuple[str | None, str]] = {}
    for symbol, basis in zip(latest["symbol"], latest["basis"], strict=True):
        pair = pair_currencies(symbol)
        said = currencies.get(symbol, factors.proxy_currency if symbol in factors.proxies else None)
        out[symbol] = (pair[1] if pair else said, basis)
    return out


@dg.asset(
    **DAILY,
    code_version=code_version("storage/coverage.py"),
    deps=[market_data],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.market_data_coverage),
)
@with_remedy
def market_data_coverage(
    context: dg.AssetExecutionContext, db: Database, registries: Registries
) -> dg.MaterializeResult:
    """Of every symbol in use on the session: whether it has a price, a stale one, or one that was restated."""
    sessions = run_sessions(context)
    coverage = update_coverage(
        db.engine, sessions, registries.factors.proxies, CALENDAR.sessions_in_range, CALENDAR.look_back_from
    )
    counts = {
        day: {
            "symbols": len(rows),
            "missing": int((~rows["is_present"]).sum()),
            "stale": int(rows["is_stale"].sum()),
            "restatements": int(rows["restatements"].sum()),
        }
        for day, rows in coverage.groupby(coverage["session"].dt.date)
    }
    return materialized(context, counts, {})


@dg.asset(
    **ANALYTIC,
    code_version=code_version("storage/price_panel.py", "risk/lookback.py"),
    deps=[market_data, market_data_coverage],
    group_name=GROUP,
    kinds={"numpy"},
    metadata=definition_metadata(tables.price_panels),
)
@with_remedy
def price_cache(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """One immutable, content-addressed panel of prices and total returns for the whole run.

    It reaches from the longest look-back before the first session to the last session; every analytic of
    the run reads it, memory-mapped, and nothing else.
    """
    give_back_tables()  # of the step before, which has read prices
    watch = Stopwatch()
    sessions = run_sessions(context)
    needs = history_needed(db, registries, sessions)
    start = panel_start(needs, portfolios(db.engine), CALENDAR, sessions)
    dates = CALENDAR.sessions_in_range(start, sessions[-1])
    with watch.stage("read"):
        revision = newest_revision(db.engine)
        panel = build_panel(db.engine, dates, sorted(needs["symbol"]))
        let_go(db.engine)
    with watch.stage("write"):
        panel_hash = cache.write(db, panel, sessions, revision)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(panel_hash[:16]),
        metadata={
            "panel": panel_hash,
            "sessions": len(panel.dates),
            "symbols": len(panel.symbols),
            "megabytes": round(panel.nbytes / 1e6, 1),
            **watch.metadata,
        },
    )
