"""Which sessions of which symbols a run reads: no fewer where the book alone, or the day alone, is run."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from risk_pipeline.analytics.kernels.constants import HORIZON
from risk_pipeline.defs.resources import Registries
from risk_pipeline.risk.lookback import bill_needs, look_back, required_history, scored_from
from risk_pipeline.sessions import session_calendar

CALENDAR = session_calendar("XNYS")
DAY = date(2025, 6, 30)
COLUMNS = ["symbol", "first_held", "last_held", "active_from", "first_option"]


def needs(*rows: tuple[object, ...]) -> pd.DataFrame:
    held = pd.DataFrame(rows, columns=COLUMNS)
    return required_history(held, Registries(), CALENDAR, [DAY]).set_index("symbol")


@pytest.mark.parametrize("back", [1, HORIZON, HORIZON + 1, 60])
def test_what_was_sold_has_prices_until_its_last_forecast_is_scored(back):
    bought, sold = date(2025, 1, 2), CALENDAR.look_back_from(DAY, back)
    active = bought if sold >= scored_from(DAY, CALENDAR) else None
    found = needs(("KO", bought, sold, active, None)).loc["KO"]
    assert found["last"] == CALENDAR.session_offset(sold, min(back, HORIZON))
    reach = CALENDAR.look_back_from(DAY, look_back(Registries()))
    assert found["first"] == (reach if back <= HORIZON else bought)


def test_a_lot_that_ends_on_a_weekend_is_scored_as_long():
    found = needs(("KO", date(2025, 1, 2), date(2025, 6, 7), date(2025, 1, 2), None)).loc["KO"]
    assert found["last"] == DAY


def test_the_bill_reaches_to_the_first_option():
    held = pd.DataFrame([("SPY", *[date(2020, 3, 2)] * 3, date(2020, 3, 2)), ("KO", *[DAY] * 3, None)], columns=COLUMNS)
    found = bill_needs("^IRX", held, CALENDAR, DAY, DAY)
    assert found["first_held"].item() < date(2020, 3, 2)
    assert found["active_from"].item() == DAY
    assert bill_needs("^IRX", held[1:], CALENDAR, DAY, DAY)["first_held"].item() == DAY
    assert bill_needs(None, held, CALENDAR, DAY, DAY).empty
