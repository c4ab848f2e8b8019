"""Which volatility values an option: the newest of its marks, its quotes, its underlying's surface, its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.risk.catch_up import timeline
from risk_pipeline.risk.inputs import BookFrames, Inputs
from risk_pipeline.risk.option_quotes import quote_frame
from risk_pipeline.risk.positions import option_greeks, volatility_origins
from risk_pipeline.storage.tables import implied_volatilities, private_marks
from risk_pipeline_tests.support.option_books import lot, option_inputs, panel_of, rows_of
from risk_pipeline_tests.support.real_prices import real_prices

DAYS = ["2021-01-04", "2021-01-05", "2021-01-06", "2021-01-07", "2021-01-08", "2021-01-11"]
NAME, EXPIRY = "SPY210319C00350000", "2021-03-19"
CALL = lot(NAME, 2, DAYS[0], 9.0, underlying="SPY", option_type="CALL", strike=350.0, expiry=EXPIRY)
PUT = lot("hedge", -1, DAYS[0], 9.0, underlying="SPY", option_type="PUT", strike=330.0, expiry=EXPIRY)


def marks(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return rows_of(private_marks, [dict(zip(("symbol", "mark_date", "price"), row, strict=True)) for row in rows])


def quotes(*rows: dict[str, object]) -> pd.DataFrame:
    terms = {"underlying": "SPY", "expiry": EXPIRY}
    return rows_of(implied_volatilities, [{"symbol": f"q{at}", **terms, **row} for at, row in enumerate(rows)])


def valued(lots: list[dict[str, object]], **frames: pd.DataFrame) -> pd.DataFrame:
    return option_rows(option_inputs(lots, DAYS, symbols=["SPY"], **frames))


def option_rows(inputs: Inputs) -> pd.DataFrame:
    """Return what ``position_values`` says of the options, without their P&L."""
    rows = inputs.book.positions
    return pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype="datetime64[s]")[rows.session],
            "symbol": np.array(inputs.lot_symbols, dtype=object)[rows.lot],
            "quantity": rows.quantity,
            "price": rows.price,
            "volatility": rows.volatility,
            **volatility_origins(inputs),
            **option_greeks(inputs),
        }
    )


def test_an_option_is_worth_its_mark_on_the_mark_s_day_and_moves_on_at_its_volatility():
    rows = valued([CALL], marks=marks(("SPY   210319C00350000", DAYS[2], 13.4)))
    assert rows["price"][2] == pytest.approx(13.4, abs=1e-7)
    assert rows["volatility"][2:].nunique() == 1
    assert list(rows["volatility_source"]) == ["forecast"] * 2 + ["mark"] * 4
    assert (rows["volatility_date"][2:] == pd.Timestamp(DAYS[2])).all()


def test_the_newest_counts_and_of_one_day_the_mark_the_quote_the_surface():
    surface = [{"quote_date": day, "strike": strike, "volatility": 0.3} for day in DAYS[1:4] for strike in (300, 400)]
    own = [{"quote_date": day, "strike": 350.0, "volatility": 0.25} for day in DAYS[2:4]]
    rows = valued([CALL], marks=marks((NAME, DAYS[3], 20.0)), volatilities=quotes(*surface, *own))
    assert list(rows["volatility_source"]) == ["forecast", "surface", "quote", "mark", "mark", "mark"]
    assert rows["volatility"][1] == pytest.approx(0.3)
    assert rows["volatility"][2] == 0.25


def test_the_volatility_given_with_a_position_is_a_quote_of_its_entry_date():
    given = CALL | {"implied_volatility": 0.4}
    surface = [{"quote_date": "2020-12-31", "strike": strike, "volatility": 0.3} for strike in (300, 400)]
    before = valued([given], volatilities=quotes(*surface))
    assert (before["volatility_source"] == "position").all()
    later = [{**row, "quote_date": DAYS[3]} for row in surface]
    after = valued([given], volatilities=quotes(*surface, *later))
    assert list(after["volatility_source"]) == ["position"] * 3 + ["surface"] * 3


def test_a_quote_without_a_type_is_of_call_and_put_and_one_with_it_of_its_own():
    put = PUT | {"strike": 350.0}
    both = valued([CALL, put], volatilities=quotes({"quote_date": DAYS[0], "strike": 350.0, "volatility": 0.2}))
    assert (both["volatility"] == 0.2).all()
    row = {"quote_date": DAYS[0], "strike": 350.0, "volatility": 0.2, "option_type": "PUT"}
    one = valued([CALL, put], volatilities=quotes(row))
    assert set(one.loc[one["symbol"] == "hedge", "volatility_source"]) == {"quote"}
    assert set(one.loc[one["symbol"] == NAME, "volatility_source"]) == {"forecast"}


def test_a_mark_beyond_the_bounds_is_found_and_the_option_valued_without_it():
    rows = valued([CALL], marks=marks((NAME, DAYS[1], 13.0), (NAME, DAYS[3], 500.0)))
    assert rows["refused_mark"].notna().tolist() == [False] * 3 + [True] * 3
    assert (rows["refused_mark"][3:] == 500.0).all()
    assert (rows["volatility_date"][1:] == pd.Timestamp(DAYS[1])).all()


def test_a_session_s_volatility_does_not_depend_on_later_quotes_or_on_its_block():
    frames = {
        "marks": marks((NAME, DAYS[1], 13.0), (NAME, DAYS[4], 16.0)),
        "volatilities": quotes(
            *({"quote_date": DAYS[2], "strike": k, "volatility": 0.2 + k / 5e3} for k in (300, 380))
        ),
    }
    whole = valued([CALL, PUT], **frames)
    panel = panel_of(real_prices(["SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"], last=DAYS[2]))
    until = {
        "marks": frames["marks"][frames["marks"]["mark_date"] <= DAYS[2]],
        "volatilities": frames["volatilities"],
    }
    inputs = option_inputs([CALL, PUT], DAYS[2:3], panel=panel, **until)
    alone = option_rows(inputs)
    same = whole[whole["session"] == DAYS[2]].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, same, check_exact=True)


def test_a_quote_after_a_split_has_the_strike_after_it():
    closes = real_prices(["SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"], last=DAYS[-1])
    closes.loc[DAYS[2] :, "SPY"] /= 2.0
    panel = panel_of(closes, {(DAYS[2], "SPY"): 2.0})
    rows = [{"quote_date": day, "strike": strike, "volatility": v} for day, strike, v in
            ((DAYS[1], 350.0, 0.2), (DAYS[3], 350.0, 0.9), (DAYS[3], 175.0, 0.25))]  # fmt: skip
    inputs = option_inputs([CALL], DAYS, panel=panel, volatilities=quotes(*rows))
    found = option_rows(inputs)
    assert found["volatility"].tolist()[1:] == [0.2, 0.2, 0.25, 0.25, 0.25]
    assert found["quantity"].tolist() == [2.0, 2.0, 4.0, 4.0, 4.0, 4.0]


def test_greeks_are_the_change_of_the_whole_price():
    inputs = option_inputs([CALL, PUT], DAYS[:1], symbols=["SPY"])
    found = option_rows(inputs)
    rows, terms = inputs.book.positions.options(inputs.lots, inputs.panel.dates[inputs.ends])
    assert len(rows) == 2
    money = np.array([200.0, -100.0])
    wild, calm = (dataclasses.replace(terms, volatility=terms.volatility + point) for point in (0.005, -0.005))
    points = wild.price() - calm.price()
    np.testing.assert_allclose(found["vega"], money * points, rtol=0.01)
    richer = dataclasses.replace(terms, rate=terms.rate + 0.01).price() - terms.price()
    np.testing.assert_allclose(found["rho"], money * richer, rtol=0.05)
    day = dataclasses.replace(terms, years=terms.years - 1 / 365).price() - terms.price()
    np.testing.assert_allclose(found["theta"], money * day, rtol=0.02)


def test_a_quote_changes_the_fingerprint_of_those_that_may_read_it_from_its_day_on():
    inputs = option_inputs([CALL], DAYS, symbols=["SPY"])
    assert inputs.option_quotes.empty

    def events(**frames: pd.DataFrame) -> dict[str, int]:
        none = {"marks": marks(), "volatilities": quotes()}
        book = BookFrames(
            portfolios=pd.DataFrame(
                {
                    "portfolio_id": ["a", "b"],
                    "inception_date": pd.to_datetime(DAYS[:1] * 2),
                    "closed_date": pd.to_datetime([None] * 2),
                    "name": "x",
                    "currency": "USD",
                    "starting_equity": 1.0,
                }
            ),
            lots=rows_of_lots([CALL | {"portfolio_id": "a"}, lot("TLT", 1, DAYS[0], 150.0) | {"portfolio_id": "b"}]),
            flows=pd.DataFrame({"portfolio_id": [], "flow_date": pd.to_datetime([]), "amount": []}),
            profiles=pd.DataFrame(),
            quotes=pd.DataFrame({"symbol": [], "currency": [], "basis": []}),
            **{**none, **frames},
        )
        made = timeline(book)
        return {
            f"{day} {portfolio}": int(value)
            for day, portfolio, value in zip(made.event_day, made.event_portfolio, made.event_hash, strict=True)
        }

    plain = events()
    row = {"quote_date": DAYS[3], "strike": 300.0, "volatility": 0.2}
    with_quote = events(volatilities=quotes(row))
    assert set(with_quote) - set(plain) == {f"{DAYS[3]} 0"}
    other = events(volatilities=quotes({**row, "volatility": 0.21}))
    assert other[f"{DAYS[3]} 0"] != with_quote[f"{DAYS[3]} 0"]
    assert set(events(marks=marks((NAME, DAYS[2], 5.0)))) - set(plain) == {f"{DAYS[2]} 0"}


def rows_of_lots(lots: list[dict[str, object]]) -> pd.DataFrame:
    from risk_pipeline.storage.tables import positions

    return rows_of(positions, [{"position_id": str(at), **row} for at, row in enumerate(lots)])


def test_names_are_matched_whatever_their_blanks():
    frame = quote_frame(quotes(), marks((" SPY   210319C00350000", DAYS[0], 1.0), ("own name", DAYS[0], 2.0)))
    assert frame["name"].tolist() == [NAME, "ownname"]
    assert frame["strike"].tolist()[0] == 350.0
