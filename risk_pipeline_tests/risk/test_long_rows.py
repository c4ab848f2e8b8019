"""Long rows spread out into an array and gathered again."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.risk.long_rows import Cells

KEYS = st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("xyz")), unique=True)


@given(KEYS)
def test_what_is_spread_is_gathered_again_and_the_rest_is_fill(keys):
    rows = pd.DataFrame({"symbol": [a for a, _ in keys], "factor": [b for _, b in keys]}, dtype=object)
    values = pd.Series(np.arange(1.0, len(keys) + 1))
    cells = Cells.of(rows, symbol=list("ABC"), factor=list("zyx"))
    array = cells.spread(values, fill=0.0)
    assert array.shape == (3, 3)
    known = rows["symbol"].isin(list("ABC")).to_numpy()
    assert array.sum() == values[known].sum()
    back = cells.gather(array)
    np.testing.assert_array_equal(back, np.where(known, values, np.nan))


def test_sessions_are_dates_of_any_kind():
    rows = pd.DataFrame(
        {"session": pd.to_datetime(["2025-06-03", "2025-06-02"]).astype("datetime64[s]"), "v": [1.0, 2]}
    )
    for labels in (
        [date(2025, 6, 2), date(2025, 6, 3)],
        rows["session"].sort_values().to_numpy().astype("datetime64[D]"),
    ):
        np.testing.assert_array_equal(Cells.of(rows, session=labels).spread(rows["v"]), [2.0, 1.0])
