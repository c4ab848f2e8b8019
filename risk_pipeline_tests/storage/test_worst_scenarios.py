"""Where each portfolio loses most, on both databases."""

from datetime import date

import sqlalchemy as sa

from risk_pipeline.storage import tables
from risk_pipeline.storage.queries import worst_scenarios

DAY, LATER = date(2025, 6, 3), date(2025, 6, 4)
ROWS = [
    *((DAY, "calm", "b", -5.0), (DAY, "calm", "a", -5.0), (DAY, "calm", "c", 3.0)),
    *((DAY, "gains", "a", 2.0), (DAY, "gains", "b", 1.0), (DAY, "half", "a", None), (DAY, "half", "b", 4.0)),
    *((DAY, "none", "a", None), (LATER, "calm", "c", -9.0)),
]


def test_the_least_is_found_the_first_by_name_of_equals_and_none_where_there_is_no_number(engine):
    names = ("session", "portfolio_id", "scenario_id", "correlated_pnl")
    with engine.begin() as connection:
        connection.execute(
            sa.insert(tables.stress_test_results),
            [{**dict(zip(names, row, strict=True)), "exceeds_equity": False, "coverage": 1.0} for row in ROWS],
        )
    found = worst_scenarios(engine, DAY, DAY).sort_values("portfolio_id")
    assert found["session"].dt.date.unique().tolist() == [DAY]
    assert found[[*names[1:]]].to_numpy().tolist() == [["calm", "a", -5.0], ["gains", "b", 1.0], ["half", "b", 4.0]]
    assert len(worst_scenarios(engine, DAY, LATER)) == 4
