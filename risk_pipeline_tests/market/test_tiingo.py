"""Tiingo's documented answers, good and bad, over real HTTP from a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from risk_pipeline.market.open import open_source
from risk_pipeline.market.source import BAR_COLUMNS, SourceError
from risk_pipeline.market.tiingo import PATIENCE, TiingoMarket

KEY = "sentinel-token"
WEEK = pd.DatetimeIndex(["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"]).astype("datetime64[s]")


def bar(day: str, close: float, **more: float) -> dict:
    """A row as the page on end-of-day prices documents it."""
    prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": 1000}
    adjusted = {f"adj{name.capitalize()}": value / 4 for name, value in prices.items()}
    return {"date": f"{day}T00:00:00.000Z", **prices, **adjusted, "divCash": 0.0, "splitFactor": 1.0, **more}


class Server:
    """Answers by path, the next of a list each time, the last for ever: status, headers and body."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str], object]]] = {}
        self.asked: list[tuple[str, dict[str, list[str]], str | None]] = []


@pytest.fixture
def tiingo() -> Iterator[tuple[Server, TiingoMarket]]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            state.asked.append((url.path, parse_qs(url.query), self.headers.get("Authorization")))
            left = state.answers.get(url.path, [(404, {}, {"detail": "Not found."})])
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state, TiingoMarket(KEY, base=f"http://127.0.0.1:{server.server_port}", wait=0.0)
    server.shutdown()
    thread.join()
    server.server_close()


def test_bars_are_as_traded_with_dividends_splits_and_the_currency(tiingo):
    state, market = tiingo
    state.answers["/tiingo/daily/aapl/prices"] = [
        (
            *(200, {}),
            [
                bar("2020-08-27", 500.04),
                bar("2020-08-28", 499.23, divCash=0.82),
                bar("2020-08-31", 129.04, splitFactor=4.0),
                bar("2020-09-01", 134.18),
            ],
        )
    ]
    found = market.fetch(["AAPL"], WEEK)
    assert tuple(found.bars.columns) == BAR_COLUMNS
    assert found.bars["close"].tolist() == [500.04, 499.23, 129.04, 134.18]
    assert found.bars["dividend"].tolist() == [0.0, 0.82, 0.0, 0.0]
    assert found.bars["split_factor"].tolist() == [1.0, 1.0, 4.0, 1.0]
    assert set(found.bars["basis"]) == {"as_traded"}
    assert found.currencies == {"AAPL": "USD"}
    _, query, token = state.asked[0]
    assert query == {"startDate": ["2020-08-27"], "endDate": ["2020-09-01"]}
    assert token == f"Token {KEY}"


def test_a_pair_is_another_interface_and_a_share_class_has_a_hyphen(tiingo):
    state, market = tiingo
    rows = [
        {
            "date": "2020-08-27T00:00:00.000Z",
            "ticker": "eurusd",
            "open": 1.18,
            "high": 1.19,
            "low": 1.17,
            "close": 1.182,
        }
    ]
    state.answers["/tiingo/fx/eurusd/prices"] = [(200, {}, rows)]
    state.answers["/tiingo/daily/brk-b/prices"] = [(200, {}, [bar("2020-08-27", 216.0)])]
    found = market.fetch(["EURUSD=X", "BRK.B"], WEEK)
    assert dict(zip(found.bars["symbol"], found.bars["close"], strict=True)) == {"BRK.B": 216.0, "EURUSD=X": 1.182}
    assert state.asked[1][1]["resampleFreq"] == ["1day"]


def test_an_unknown_symbol_is_an_error_by_name(tiingo):
    assert "check the symbol" in tiingo[1].fetch(["NOSUCH"], WEEK).errors["NOSUCH"]


def test_a_rate_limit_is_kept_and_the_question_put_again(tiingo):
    state, market = tiingo
    limit = (429, {"Retry-After": "0"}, {"detail": "You have run over your hourly request allocation."})
    state.answers["/tiingo/daily/spy/prices"] = [limit, limit, (200, {}, [bar("2020-08-27", 350.0)])]
    assert market.fetch(["SPY"], WEEK).bars["close"].tolist() == [350.0]
    assert len(state.asked) == 3


def test_a_limit_that_ends_in_an_hour_is_not_waited_for_and_the_rest_is_not_asked(tiingo):
    state, market = tiingo
    symbols = [f"S{number}" for number in range(PATIENCE + 2)]
    for symbol in symbols:
        state.answers[f"/tiingo/daily/{symbol.lower()}/prices"] = [(429, {"Retry-After": "3600"}, {})]
    errors = market.fetch(symbols, WEEK).errors
    assert set(errors) == set(symbols)
    assert len(state.asked) == PATIENCE
    assert "not asked for" in errors[symbols[-1]]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_said_without_the_key(tiingo, status):
    state, market = tiingo
    state.answers["/tiingo/daily/spy/prices"] = [(status, {}, {"detail": f"Invalid token {KEY}"})]
    with pytest.raises(SourceError, match="RISK_PIPELINE_MARKET__KEY") as caught:
        market.fetch(["SPY"], WEEK)
    assert KEY not in str(caught.value)
    assert KEY not in repr(market)


def test_without_a_key_the_source_says_where_it_goes():
    with pytest.raises(SourceError, match="RISK_PIPELINE_MARKET__KEY"):
        open_source("tiingo")


@pytest.mark.parametrize("body", [{"detail": "busy"}, [{"close": 1.0}], [{"date": None, "close": 1.0}], ["x"]])
def test_an_answer_that_is_no_list_of_dated_bars_is_an_error_of_the_symbol(tiingo, body):
    state, market = tiingo
    state.answers["/tiingo/daily/aapl/prices"] = [(200, {}, body)]
    found = market.fetch(["AAPL"], WEEK)
    assert "Tiingo failed" in found.errors["AAPL"]


def test_nulls_and_a_split_of_zero_are_ordinary_days(tiingo):
    state, market = tiingo
    rows = [
        bar("2020-08-27", 100.0, splitFactor=0, divCash=None),
        bar("2020-08-28", 101.0, splitFactor=None),
        {**bar("2020-08-31", 102.0), "close": None},
    ]
    state.answers["/tiingo/daily/aapl/prices"] = [(200, {}, rows)]
    found = market.fetch(["AAPL"], WEEK)
    assert not found.errors
    assert found.bars[["close", "dividend", "split_factor"]].to_numpy().tolist() == [[100, 0, 1], [101, 0, 1]]
