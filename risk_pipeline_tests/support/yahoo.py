"""A stand-in for Yahoo on this machine that speaks the wire format of its chart and profile services."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

NEW_YORK_OPEN = 14.5  # hours UTC, in winter


def stamp(day: str) -> int:
    """Seconds of the session's open, as Yahoo dates its bars."""
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)
    return int(start.timestamp() + NEW_YORK_OPEN * 3600)


def chart(
    symbol: str,
    closes: dict[str, float | None],
    *,
    dividends: dict[str, float] | None = None,
    splits: dict[str, tuple[int, int]] | None = None,
) -> bytes:
    """Return the body of a chart answer: prices in today's shares, as Yahoo sends them."""
    values = list(closes.values())
    events: dict[str, Any] = {}
    if dividends:
        events["dividends"] = {
            str(stamp(day)): {"amount": amount, "date": stamp(day)} for day, amount in dividends.items()
        }
    if splits:
        events["splits"] = {
            str(stamp(day)): {
                "date": stamp(day),
                "numerator": float(new),
                "denominator": float(old),
                "splitRatio": f"{new}:{old}",
            }
            for day, (new, old) in splits.items()
        }
    quote = {
        "open": values,
        "high": [None if value is None else value + 1.0 for value in values],
        "low": [None if value is None else value - 1.0 for value in values],
        "close": values,
        "volume": [None if value is None else 4000 for value in values],
    }
    result = {
        "meta": {
            "currency": "USD",
            "symbol": symbol,
            "exchangeName": "NMS",
            "instrumentType": "EQUITY",
            "firstTradeDate": stamp("2000-01-03"),
            "regularMarketTime": stamp(list(closes)[-1]) + 6 * 3600,
            "gmtoffset": -18000,
            "timezone": "EST",
            "exchangeTimezoneName": "America/New_York",
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "max"],
        },
        "timestamp": [stamp(day) for day in closes],
        "events": events,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": values}]},
    }
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


NOT_FOUND = json.dumps(
    {
        "chart": {
            "result": None,
            "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
        }
    }
).encode()


@dataclass
class FakeYahoo:
    """Answers by symbol: a list of (status, body), of which the last is repeated."""

    address: str = ""
    answers: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        *_, service, symbol = path.split("/")
        if service == "chart":
            self.requests.append(symbol)
            queue = self.answers.get(symbol, [(404, NOT_FOUND)])
            return queue.pop(0) if len(queue) > 1 else queue[0]
        if service == "quoteSummary":
            self.requests.append(symbol)
        if service == "quoteSummary" and symbol in self.profiles:
            result = {"quoteSummary": {"result": [self.profiles[symbol]], "error": None}}
            return 200, json.dumps(result).encode()
        if symbol == "getcrumb":
            return 200, b"crumb"
        if symbol == "quote":
            return 200, b'{"quoteResponse": {"result": [], "error": null}}'
        return 404, b'{"quoteSummary": {"result": null, "error": {"code": "Not Found", "description": "none"}}}'


@pytest.fixture
def yahoo() -> Iterator[FakeYahoo]:
    """Serve a fake Yahoo on a free port of this machine."""
    fake = FakeYahoo()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = fake.answer(urlsplit(self.path).path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    fake.address = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def yahoo_session(yahoo: FakeYahoo, tmp_path: Path) -> Iterator[Any]:
    """Return yfinance's own kind of session; its every request goes to the fake."""
    import yfinance
    from curl_cffi import requests
    from yfinance.data import SingletonMeta

    class Redirected(requests.Session):
        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            return super().request(method, f"{yahoo.address}{parts.path or '/'}{query}", *args, **kwargs)

    yfinance.set_tz_cache_location(str(tmp_path))
    SingletonMeta._instances.clear()  # yfinance keeps one session and its cookies for the whole process
    with Redirected() as session:
        yield session
    SingletonMeta._instances.clear()


@pytest.fixture
def chart_answer() -> Any:
    """Return a maker of good chart answers, (status, body)."""

    def make(*args: Any, **kwargs: Any) -> tuple[int, bytes]:
        return 200, chart(*args, **kwargs)

    return make
