"""A portfolio that is not open on a session is told apart from one that there is not."""

from datetime import date

import pandas as pd
import pytest

from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.portfolio_ids import require_open

BOOK = pd.DataFrame(
    {
        "portfolio_id": ["open", "shut"],
        "inception_date": pd.to_datetime(["2025-01-02", "2025-01-02"]),
        "closed_date": pd.to_datetime([None, "2025-06-04"]),
    }
)


@pytest.mark.parametrize(("portfolio", "day"), [("open", "2025-06-04"), ("open", "2025-01-02"), ("shut", "2025-06-03")])
def test_an_open_one_is_let_through(portfolio, day):
    require_open(portfolio, BOOK, date.fromisoformat(day))


@pytest.mark.parametrize(
    ("portfolio", "day", "says"),
    [("shut", "2025-06-04", "shut was closed on 2025-06-04"), ("open", "2025-01-01", "open begins on 2025-01-02")],
)
def test_one_that_is_not_says_since_or_until_when_it_is(portfolio, day, says):
    with pytest.raises(StorageError, match=says):
        require_open(portfolio, BOOK, date.fromisoformat(day))
