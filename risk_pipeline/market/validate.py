"""What may be stored: the same examination for the bars of every source.

================================================  ==========================================================
found                                             done
================================================  ==========================================================
a session that wasn't asked for                   bar dropped, said in ``notes``: another exchange may be open
no close (NaN)                                    no bar: a gap
close zero, negative, infinite or beyond 1e9      bar dropped, said in ``dropped``
dividend or split of a bar that is not kept       counts on the symbol's next session with a close, said in ``notes``
two bars of one session, alike                    one is kept
two bars of one session that differ               symbol refused, an error: which is right can't be known
high or low missing, above/below the close, ...   both become NaN, the close stays; said unless both missing
volume negative or infinite                       NaN
split factor not positive and finite              symbol refused, an error: its returns would be wrong
dividend negative or not finite                   symbol refused, an error
dividend above its own close and the one before   symbol refused, an error: it is in another unit than the price
a split of 1.4 or more that the close ignores     symbol refused, an error: its closes are adjusted for splits
================================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Float1D
from .source import ADJUSTED, BAR_COLUMNS, MarketBars

HIGHEST = 1e9
"""A close as traded beyond this is a slip; adjusted ones of much diluted shares go further."""

LARGE_SPLIT = 1.4
"""A split or reverse split beyond it is told from a day's move of the price."""

_TOLERANCE = 1e-6  # relative; a vendor's rounding of the close beyond its own high is no contradiction

_NUMBERS = ("high", "low", "close", "volume", "dividend", "split_factor")
_MENDED = ("high", "low", "volume")


def checked_bars(bars: pd.DataFrame, sessions: pd.DatetimeIndex, errors: Mapping[str, str] | None = None) -> MarketBars:
    """Sort bars and drop impossible ones, with a note for each symbol concerned.

    Parameters
    ----------
    bars : the columns of :class:`~.source.MarketBars`, in any order of rows; the symbol may be categorical,
        with sorted categories.
    sessions : those asked for.
    errors : symbols that the source has already given up.
    """
    examination = _Examination(bars, dict(errors or {}))
    asked = np.asarray(sessions, dtype="datetime64[D]").astype("int64")
    close = examination.numbers["close"]
    is_asked = np.isin(examination.days.astype("int64"), asked)
    too_high = (close > HIGHEST) & (bars["basis"].to_numpy() != ADJUSTED)
    if len(asked):
        examination.carry_actions(is_asked & _positive(close) & ~too_high, asked.min())
    examination.leave_out(~is_asked, "not a session asked for")
    examination.drop_quietly(np.isnan(close))
    examination.drop(~_positive(close), "the close is not a positive number")
    examination.drop(too_high, f"the close is beyond {HIGHEST:,.0f}")
    examination.refuse(~_positive(examination.numbers["split_factor"]), "the split factor is not positive")
    dividend = examination.numbers["dividend"]
    examination.refuse(~((dividend >= 0) & np.isfinite(dividend)), "the dividend is negative or missing")
    examination.refuse(examination.more_than_the_price(), "the dividend is above the price: is it in another unit?")
    examination.refuse(
        examination.ignored_splits(), "the close does not move with the split: are closes adjusted for splits already?"
    )
    examination.drop_bad_ranges()
    examination.sort_and_merge()
    return examination.result()


def _positive(values: Float1D) -> Bool1D:
    positive: Bool1D = (values > 0) & np.isfinite(values)
    return positive


class _Examination:
    """Bars as arrays, the rows still kept, and the notes by symbol."""

    def __init__(self, bars: pd.DataFrame, errors: dict[str, str]) -> None:

        self.bars = bars
        if isinstance(bars["symbol"].dtype, pd.CategoricalDtype):
            symbols = bars["symbol"].cat
            self.codes, self.names = symbols.codes.to_numpy(), [str(name) for name in symbols.categories]
        else:
            self.codes, names = pd.factorize(bars["symbol"], sort=True)
            self.names = [str(name) for name in names]
        self.days = bars["session"].to_numpy().astype("datetime64[D]")
        self.numbers = {name: bars[name].to_numpy(dtype=float, copy=name in _MENDED) for name in _NUMBERS}
        self.keep = np.ones(len(bars), dtype=bool)
        self.order = np.arange(len(bars))
        self.errors = errors
        self.dropped: dict[str, str] = {}
        self.notes: dict[str, str] = {}

    def carry_actions(self, is_bar: Bool1D, first: int) -> None:
        """Bring dividends and splits of rows that are no bar to the symbol's next bar.

        Cash per share held before an earlier action of the same stretch is counted in shares held before the
        first: ``D = Σ D_k · Π_{j<k} s_j`` and ``s = Π s_k``.
        """
        dividend, split = self.numbers["dividend"], self.numbers["split_factor"]
        acts = (dividend != 0) | (split != 1)
        lost = np.flatnonzero(acts & ~is_bar & (self.days.astype("int64") >= first))
        if not len(lost):
            return
        self.numbers["dividend"], self.numbers["split_factor"] = dividend, split = dividend.copy(), split.copy()
        for code in np.unique(self.codes[lost]):
            bars = np.flatnonzero(is_bar & (self.codes == code))
            known = np.unique(self.days[bars])
            rows = lost[self.codes[lost] == code]
            rows = rows[np.argsort(self.days[rows], kind="stable")]
            if not (_positive(split[rows]) & (dividend[rows] >= 0) & np.isfinite(dividend[rows])).all():
                self._say(np.isin(np.arange(len(acts)), rows), "an impossible dividend or split factor", self.errors)
                self.keep &= self.codes != code
                continue
            homes = np.searchsorted(known, self.days[rows])
            for home in np.unique(homes):
                cash, shares = 0.0, 1.0
                for row in rows[homes == home]:
                    cash, shares = cash + dividend[row] * shares, shares * split[row]
                if home < len(known):
                    bar_rows = bars[self.days[bars] == known[home]]
                    dividend[bar_rows], split[bar_rows] = cash + dividend[bar_rows] * shares, split[bar_rows] * shares
                to = f"counts on {known[home]}" if home < len(known) else "waits for the next close"
                days = ", ".join(str(self.days[row]) for row in rows[homes == home])
                text = f"the dividend or split of {days} has no close and {to}"
                name = self.names[code]
                self.notes[name] = f"{self.notes[name]}; {text}" if name in self.notes else text

    def drop_quietly(self, bad: Bool1D) -> None:
        self.keep &= ~bad

    def leave_out(self, bad: Bool1D, why: str) -> None:
        self._say(bad & self.keep, why, self.notes)
        self.keep &= ~bad

    def drop(self, bad: Bool1D, why: str) -> None:
        self._say(bad & self.keep, why, self.dropped)
        self.keep &= ~bad

    def refuse(self, bad: Bool1D, why: str) -> None:
        bad = bad & self.keep
        if bad.any():
            self._say(bad, why, self.errors)
            self.keep &= ~np.isin(self.codes, np.unique(self.codes[bad]))

    def _say(self, bad: Bool1D, why: str, to: dict[str, str]) -> None:
        if not bad.any():
            return
        for code in np.unique(self.codes[bad]):
            days = self.days[bad & (self.codes == code)]
            text = f"{why} ({days.min()}{f' and {len(days) - 1} more' if len(days) > 1 else ''})"
            name = self.names[code]
            to[name] = f"{to[name]}; {text}" if name in to else text

    def more_than_the_price(self) -> Bool1D:
        """Return rows whose dividend is above the close before it, which nothing that trades can pay."""
        dividend, close = self.numbers["dividend"], self.numbers["close"]
        bad = np.zeros(len(self.keep), dtype=bool)
        for row in np.flatnonzero(self.keep & (dividend > close)):
            bad[row] = dividend[row] > self._close_before(int(row))
        return bad

    def ignored_splits(self) -> Bool1D:
        """Return rows with a large split on which the close moves by less than a quarter of it, in logarithms.

        One that was carried to its next close isn't judged: the price may have gone anywhere by then.
        """
        split, close = self.bars["split_factor"].to_numpy(dtype=float), self.numbers["close"]
        bad = np.zeros(len(self.keep), dtype=bool)
        size = np.abs(np.log(split, out=np.zeros(len(split)), where=_positive(split)))
        for row in np.flatnonzero(self.keep & (size > np.log(LARGE_SPLIT))):
            bad[row] = abs(np.log(close[row] / self._close_before(int(row)))) < 0.25 * size[row]
        return bad

    def _close_before(self, row: int) -> float:
        """Return the close of the symbol's bar before that at ``row``, NaN if there is none."""
        before = np.flatnonzero(self.keep & (self.codes == self.codes[row]) & (self.days < self.days[row]))
        return float(self.numbers["close"][before[np.argmax(self.days[before])]]) if len(before) else np.nan

    def drop_bad_ranges(self) -> None:
        """Drop a high and low that contradict the close or each other."""
        high, low, close, volume = (self.numbers[name] for name in ("high", "low", "close", "volume"))
        with np.errstate(invalid="ignore"):
            fits = _positive(high) & _positive(low) & (low <= high)
            fits &= (close <= high * (1 + _TOLERANCE)) & (close >= low * (1 - _TOLERANCE))
            volume[~((volume >= 0) & np.isfinite(volume))] = np.nan
        wrong = self.keep & ~fits & ~(np.isnan(high) & np.isnan(low))
        self._say(wrong, "high and low contradict the close and were left out", self.dropped)
        high[~fits] = low[~fits] = np.nan
        np.maximum(high, close, out=high)
        np.minimum(low, close, out=low)

    def sort_and_merge(self) -> None:
        """Order rows by session and symbol; of equal bars keep one, of unequal ones none."""
        key = self.days.astype("int64") * (len(self.names) + 1) + self.codes
        rows = np.flatnonzero(self.keep)
        key = key[rows]
        if not (np.diff(key) > 0).all():
            rows = rows[np.argsort(key, kind="stable")]
            key = np.sort(key, kind="stable")
            repeated = np.flatnonzero(np.diff(key) == 0) + 1
            if len(repeated):
                differs = np.zeros(len(self.keep), dtype=bool)
                for values in self.numbers.values():
                    one, other = values[rows[repeated - 1]], values[rows[repeated]]
                    differs[rows[repeated]] |= ~np.isclose(one, other, rtol=1e-12, atol=0, equal_nan=True)
                self.refuse(differs, "two different bars of one session")
                self.keep[rows[repeated]] = False
                rows = rows[self.keep[rows]]
        self.order = rows

    def result(self) -> MarketBars:

        rows = self.order
        columns = {
            "session": self.days[rows].astype("datetime64[s]"),
            "symbol": pd.array(self.names, dtype="str").take(self.codes[rows]),
            **{name: values[rows] for name, values in self.numbers.items()},
            "basis": self.bars["basis"].array.take(rows),
        }
        frame = pd.DataFrame({name: columns[name] for name in BAR_COLUMNS}, copy=False)
        dropped = {name: text for name, text in self.dropped.items() if name not in self.errors}
        notes = {name: text for name, text in self.notes.items() if name not in self.errors}
        return MarketBars(
            frame, dict(sorted(self.errors.items())), dict(sorted(dropped.items())), dict(sorted(notes.items()))
        )
