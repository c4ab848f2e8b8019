"""A chain of sources: each is asked only for what the ones before it lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from .source import MarketBars, MarketDataSource, SourceError

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True)
class ChainedMarket:
    """Bars of the first source that has them; a column ``source`` says which one each is from.

    A source that fails as a whole is passed over as long as another one answers. Bars of one symbol are never mixed
    where the sources disagree about its basis or its currency: then the earlier source stands alone.
    """

    sources: Sequence[MarketDataSource]

    @property
    def name(self) -> str:
        """The names in their order, as the settings write them."""
        return ",".join(source.name for source in self.sources)

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        parts: list[pd.DataFrame] = []
        errors: dict[str, list[str]] = {symbol: [] for symbol in symbols}
        dropped: dict[str, str] = {}
        notes: dict[str, str] = {}
        currencies: dict[str, str] = {}
        units: dict[str, str] = {}
        remarks: list[str] = []
        basis: dict[Hashable, str] = {}
        failures: list[str] = []
        present: set[tuple[object, str]] = set()
        still_missing = sorted(set(symbols))
        for source in self.sources:
            if not still_missing:
                break
            try:
                fetched = source.fetch(still_missing, sessions)
            except SourceError as error:
                failures.append(f"{source.name}: {error}")
                continue
            bars = fetched.bars
            other = {
                symbol
                for symbol, kind in bars.groupby("symbol")["basis"].first().items()
                if basis.setdefault(symbol, kind) != kind
                or currencies.get(symbol, fetched.currencies.get(symbol)) != fetched.currencies.get(symbol)
            }
            is_new = [key not in present for key in zip(bars["session"], bars["symbol"], strict=True)]
            bars = bars[pd.Series(is_new, index=bars.index, dtype=bool) & ~bars["symbol"].isin(other)]
            present.update(zip(bars["session"], bars["symbol"], strict=True))
            parts.append(bars.assign(source=source.name))
            for symbol in still_missing:
                errors[symbol] += [f"{source.name}: {fetched.errors[symbol]}"] if symbol in fetched.errors else []
            dropped |= {symbol: text for symbol, text in fetched.dropped.items() if symbol not in dropped}
            notes |= {symbol: text for symbol, text in fetched.notes.items() if symbol not in notes}
            notes |= dict.fromkeys(sorted(other), f"{source.name} quotes another basis or currency and was left aside")
            currencies |= {symbol: code for symbol, code in fetched.currencies.items() if symbol not in currencies}
            units |= {symbol: unit for symbol, unit in fetched.units.items() if symbol not in units}
            remarks += fetched.remarks
            count = pd.concat(parts)["symbol"].value_counts()
            still_missing = [symbol for symbol in still_missing if count.get(symbol, 0) < len(sessions)]
        if not parts:
            raise SourceError("; ".join(failures))
        joined = pd.concat(parts, ignore_index=True).sort_values(["session", "symbol"], ignore_index=True)
        with_bars = set(joined["symbol"])
        without = {symbol: "; ".join(texts) for symbol, texts in errors.items() if symbol not in with_bars and texts}
        return MarketBars(joined, without, dropped, notes, currencies, units, remarks)

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return the profiles of the first source that has any of a symbol."""
        frames = [self.sources[0].profiles(symbols, as_of)]
        for source in self.sources[1:]:
            missing = sorted({*symbols} - {name for part in frames for name in part["symbol"]})
            if missing:
                frames.append(source.profiles(missing, as_of))
        return pd.concat(frames, ignore_index=True)
