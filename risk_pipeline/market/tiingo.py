"""Prices from Tiingo: daily bars as traded, dividends, splits and currency pairs, with a key of one's own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import requests

from ..currencies import DOLLAR, pair_currencies
from ..symbols import yahoo_form
from .source import AS_TRADED, MarketBars, SourceError, profile_frame
from .units import in_whole_units
from .validate import checked_bars

BASE = "https://api.tiingo.com"
LONGEST_WAIT = 120.0
"""Seconds: an hourly limit that ends later than this is not waited for."""
PATIENCE = 5
"""Consecutive failed symbols after which the rest of a fetch is given up."""
_FIELDS = {"high": "high", "low": "low", "close": "close", "volume": "volume"}


@dataclass(frozen=True)
class TiingoMarket:
    """End-of-day bars of US shares and funds, and of currency pairs, from Tiingo's REST interface.

    Parameters
    ----------
    key : the API token; it goes into a header and into no message.
    base : where the interface is; a test server's address in tests.
    attempts : maximum requests for a symbol. wait : seconds before the second, doubled for each further one,
        where the answer has no Retry-After. timeout : seconds for one answer.
    """

    key: str = field(repr=False)
    base: str = BASE
    attempts: int = 4
    wait: float = 2.0
    timeout: float = 20.0
    name = "tiingo"

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        frames, errors, failures = [_bars("", [])], {}, 0
        if len(sessions):
            span = {"startDate": str(sessions.min().date()), "endDate": str(sessions.max().date())}
            for symbol in sorted(set(symbols)):
                if failures >= PATIENCE:
                    errors[symbol] = f"not asked for: Tiingo failed for {PATIENCE} symbols before it; run again later"
                    continue
                try:
                    bars = _bars(symbol, self._ask(*_path(symbol), span))
                except _UnknownError:
                    errors[symbol], failures = "Tiingo doesn't know it; check the symbol", 0
                except (requests.RequestException, ValueError) as error:
                    failures += 1
                    errors[symbol] = f"Tiingo failed ({type(error).__name__}); run again later"
                else:
                    failures = 0
                    frames.append(bars)
        filled = [rows[rows["session"].isin(sessions)] for rows in frames]
        bars = pd.concat([rows for rows in filled if len(rows)] or filled[:1], ignore_index=True)
        units = {symbol: DOLLAR for symbol in symbols if pair_currencies(symbol) is None and symbol not in errors}
        return in_whole_units(checked_bars(bars, sessions, errors), units)

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return the names; Tiingo's daily interface has no sectors and no betas. ``as_of`` is null."""
        out = []
        for symbol in sorted(set(symbols)):
            if pair_currencies(symbol) is None:
                try:
                    answer = self._ask(f"/tiingo/daily/{yahoo_form(symbol).lower()}", {}, {})
                except (_UnknownError, requests.RequestException, ValueError):
                    continue
                out.append({"symbol": symbol, "name": answer.get("name")})
        return profile_frame(out)

    def _ask(self, path: str, extra: dict[str, str], span: dict[str, str]) -> Any:
        """Return the response to a request; retry where Tiingo fails, after the delay that it asks for.

        Raises
        ------
        SourceError
            If the key is refused. An unknown symbol is an ``_UnknownError``.
        """
        headers = {"Authorization": f"Token {self.key}", "Content-Type": "application/json"}
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            pause = self.wait * 2 ** (attempt - 1)
            try:
                answer = requests.get(self.base + path, params={**span, **extra}, headers=headers, timeout=self.timeout)
            except requests.RequestException:
                if last:
                    raise
            else:
                if answer.status_code in (401, 403):
                    raise SourceError("Tiingo refuses the key: set RISK_PIPELINE_MARKET__KEY to your API token")
                if answer.status_code == 404:
                    raise _UnknownError
                asked_to_wait = answer.headers.get("Retry-After", "")
                if answer.status_code == 429 and asked_to_wait.isdigit():
                    pause = float(asked_to_wait)
                if answer.ok:
                    return answer.json()
                if last or pause > LONGEST_WAIT:
                    raise requests.HTTPError(f"status {answer.status_code}")
            time.sleep(pause)
        raise requests.HTTPError("no attempt was made")


class _UnknownError(Exception):
    """Tiingo knows no such symbol."""


def _path(symbol: str) -> tuple[str, dict[str, str]]:
    """Return the request path of a symbol's history; pairs and shares have different endpoints."""
    pair = pair_currencies(symbol)
    if pair is not None:
        return f"/tiingo/fx/{''.join(pair).lower()}/prices", {"resampleFreq": "1day"}
    return f"/tiingo/daily/{yahoo_form(symbol).lower()}/prices", {}


def _bars(symbol: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return Tiingo's rows as bars; pairs have no volume, no dividend and no split."""

    def column(name: str, empty: float) -> np.ndarray:
        return np.array([empty if row.get(name) is None else row[name] for row in rows], dtype=float)

    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("date") for row in rows):
        raise ValueError("no list of dated bars")
    days = [str(row["date"])[:10] for row in rows]
    return pd.DataFrame(
        {
            "session": pd.DatetimeIndex(days).astype("datetime64[s]"),
            "symbol": symbol,
            **{name: column(theirs, np.nan) for name, theirs in _FIELDS.items()},
            "dividend": column("divCash", 0.0),
            "split_factor": np.where(column("splitFactor", 1.0) == 0, 1.0, column("splitFactor", 1.0)),
            "basis": AS_TRADED,
        }
    ).astype({"symbol": "str", "basis": "str"})
