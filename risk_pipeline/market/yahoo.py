"""Prices from Yahoo Finance, through the library yfinance (the extra ``yahoo``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..symbols import yahoo_form
from .source import AS_TRADED, MarketBars, SourceError, profile_frame
from .units import in_whole_units
from .validate import checked_bars

if TYPE_CHECKING:
    import pandas as pd

Answer = TypeVar("Answer")

PATIENCE = 5
"""Consecutive failed symbols after which the rest of a fetch is given up."""

SIGNIFICANT = 6
"""Digits kept of a price: Yahoo sends single precision, whose last digits change with every later split."""


@dataclass(frozen=True)
class YahooMarket:
    """Bars as traded, dividends, splits and profiles of Yahoo Finance.

    Yahoo restates all of a symbol's history at each split. Splits after a session are therefore taken back
    out of its prices, dividends and volume, also those after the sessions asked for.

    Parameters
    ----------
    session : a session of curl_cffi or requests to use instead of yfinance's own (a proxy, a test server).
    attempts : how often a symbol is asked for in all, where Yahoo fails or refuses for being asked too often.
    wait : seconds before the second attempt; doubled for each further one, 60 at most. (yfinance doesn't
        tell what the answer's Retry-After says.)
    timeout : seconds for one answer.
    """

    session: Any = None
    attempts: int = 4
    wait: float = 2.0
    timeout: float = 20.0
    name = "yahoo"

    def __post_init__(self) -> None:
        try:
            import yfinance
        except ImportError:
            raise SourceError(
                "the source 'yahoo' needs the library yfinance: pip install 'risk_pipeline[yahoo]'"
            ) from None
        yfinance.config.debug.hide_exceptions = False  # else failures come back as empty frames
        from curl_cffi import requests

        session = requests.Session(impersonate="chrome") if self.session is None else self.session
        object.__setattr__(self, "session", _limited(session, self.timeout))

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        import pandas as pd

        if not len(sessions):
            return checked_bars(_bars("", _nothing()), sessions)
        first = sessions.min().date()
        answers, errors = self._ask_each(symbols, lambda symbol: self._history(symbol, first))
        frames = [
            rows[rows["session"].isin(sessions)]
            for rows in (_bars(symbol, history) for symbol, (history, _) in answers.items())
        ]
        units = {symbol: unit for symbol, (_, unit) in answers.items()}
        filled = [rows for rows in frames if len(rows)] or [_bars("", _nothing())]
        return in_whole_units(checked_bars(pd.concat(filled, ignore_index=True), sessions, errors), units)

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return today's profiles, the only ones that Yahoo has; ``as_of`` is null.

        A symbol for which Yahoo fails has no row.
        """
        answers, _ = self._ask_each(symbols, lambda symbol: self._ticker(symbol).info)
        return profile_frame(
            [
                {
                    "symbol": symbol,
                    "name": info.get("longName") or info.get("shortName"),
                    "sector": info.get("sector"),
                    "vendor_beta": info.get("beta"),
                    "currency": info.get("currency"),
                }
                for symbol, info in answers.items()
                if {"longName", "shortName", "sector"} & info.keys()
            ]
        )

    def _ticker(self, symbol: str) -> Any:
        import yfinance
        from yfinance.data import YfData

        YfData.cache_get.cache_clear()  # it would give a broken answer, or an old one, again and again
        return yfinance.Ticker(yahoo_form(symbol), session=self.session)

    def _history(self, symbol: str, first: date) -> tuple[pd.DataFrame, str | None]:
        """Return Yahoo's rows from a date until now, since later splits are needed to undo them, and their unit."""
        ticker = self._ticker(symbol)
        history: pd.DataFrame = ticker.history(
            start=first.isoformat(), auto_adjust=False, actions=True, timeout=self.timeout
        )
        return history, ticker.history_metadata.get("currency")

    def _ask_each(
        self, symbols: Sequence[str], question: Callable[[str], Answer]
    ) -> tuple[dict[str, Answer], dict[str, str]]:
        """Request each symbol, retrying after a wait where Yahoo failed; return responses and errors."""
        import stamina

        caller = stamina.RetryingCaller(
            attempts=self.attempts, timeout=None, wait_initial=self.wait, wait_max=60.0, wait_jitter=self.wait / 2
        ).on(lambda error: not _is_final(error))
        answers: dict[str, Answer] = {}
        errors: dict[str, str] = {}
        failures = 0
        for symbol in sorted(set(symbols)):
            if failures >= PATIENCE:
                errors[symbol] = f"not asked for: Yahoo failed for {PATIENCE} symbols before it; run again later"
                continue
            try:
                answers[symbol] = caller(question, symbol)
                failures = 0
            except Exception as error:
                failures += not _is_final(error)
                errors[symbol] = _explain(error)
        return answers, errors


def _limited(session: Any, timeout: float) -> Any:
    """Bound every request's wait: yfinance waits half a minute for each of its cookies."""
    ask = session.request

    def request(method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return ask(method, url, *args, **{**kwargs, "timeout": min(kwargs.get("timeout") or timeout, timeout)})

    session.request = request
    return session


GAINS = "Capital Gains"
_FIELDS = ("High", "Low", "Close", "Volume", "Dividends", "Stock Splits")


def _nothing() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=list(_FIELDS), index=pd.DatetimeIndex([]))


def _bars(symbol: str, history: pd.DataFrame) -> pd.DataFrame:
    """Turn Yahoo's rows, in today's shares, into rows as traded."""
    import pandas as pd

    high, low, close, volume, dividend, split = (history[name].to_numpy(dtype=float) for name in _FIELDS)
    if GAINS in history:  # only funds have the column; to a holder it is cash like a dividend
        dividend = dividend + np.nan_to_num(history[GAINS].to_numpy(dtype=float))
    dividend, split = np.nan_to_num(dividend), np.where((split == 0) | np.isnan(split), 1.0, split)
    from_here_on = np.cumprod(split[::-1])[::-1]  # shares today per share held before the session
    later = from_here_on / split
    return pd.DataFrame(
        {
            "session": pd.DatetimeIndex(history.index).tz_localize(None).normalize().astype("datetime64[s]"),
            "symbol": symbol,
            "high": _rounded(high * later),
            "low": _rounded(low * later),
            "close": _rounded(close * later),
            "volume": np.round(volume / later),
            "dividend": _rounded(dividend * from_here_on),
            "split_factor": split,
            "basis": AS_TRADED,
        }
    ).astype({"symbol": "str", "basis": "str"})


def _rounded(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = SIGNIFICANT - 1 - np.floor(np.log10(np.abs(values)))
    scale = np.where(np.isfinite(digits), 10.0 ** np.where(np.isfinite(digits), digits, 0.0), 1.0)
    rounded: np.ndarray = np.round(values * scale) / scale
    return rounded


def _is_final(error: Exception) -> bool:
    """Return whether a retry is useless: Yahoo has answered that it has nothing."""
    from yfinance.exceptions import YFPricesMissingError, YFTzMissingError

    if isinstance(error, YFPricesMissingError):
        return error.yahoo_reason is not None
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(error, YFTzMissingError) or status == 404


def _explain(error: Exception) -> str:
    text = " ".join(str(error).split())[:160] or type(error).__name__
    if _is_final(error):
        return f"Yahoo has no prices of it ({text}); check the symbol"
    return f"Yahoo failed ({type(error).__name__}: {text}); run again later"
