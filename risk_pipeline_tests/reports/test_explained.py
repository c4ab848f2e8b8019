"""The waterfalls of the P&L: bars that begin where the last one ended, and a total that is the P&L."""

from __future__ import annotations

from datetime import date

import pytest

from risk_pipeline.config.factors import load_factors
from risk_pipeline.reports.explained import Explained, Part, _parts, periods_of
from risk_pipeline.reports.sections.explain import _waterfall

DAY = date(2022, 3, 16)


def explained(*money: float, sessions: int = 12, expected: int = 12) -> Explained:
    parts = [Part(f"part {number}", "", value) for number, value in enumerate(money)]
    return Explained("Month to date", DAY.replace(day=1), sessions, expected, parts, 0.0, 0.0)


def test_bars_are_a_chain_and_the_total_is_the_sum():
    fall = _waterfall(explained(100.0, -150.0, 0.2, 30.0))
    assert [row["pnl"] for row in fall["rows"]] == [100.0, -150.0, 30.0]
    assert fall["total"] == pytest.approx(-19.8)
    edges = [(row["bar"]["left"], row["bar"]["left"] + row["bar"]["width"]) for row in fall["rows"]]
    assert edges[0][0] == fall["zero"]
    assert edges[1][1] == pytest.approx(edges[0][1], abs=0.2)
    assert edges[2][0] == pytest.approx(edges[1][0], abs=0.2)


def test_what_is_below_half_a_unit_is_in_the_rest():
    small = _waterfall(explained(0.4, 0.4, 10.0))
    assert len(small["rows"]) == 1
    assert small["rest"] == pytest.approx(0.8)


def test_sessions_that_were_not_run_are_counted():
    assert _waterfall(explained(1.0, sessions=5, expected=52))["missing"] == 47


def test_parts_are_in_the_order_of_reading_and_sectors_are_one():
    factors = load_factors()
    cross, sector = len(factors.core_names), len(factors.core_names) + len(factors.cross_asset)
    kinds = {"fees": "fees", "specific": "specific", "currency": "FX EURUSD"}
    rows = [{"kind": kind, "part": part, "pnl": 1.0} for kind, part in kinds.items()]
    rows += [{"kind": "options", "part": greek, "pnl": 1.0} for greek in ("vega", "gamma")]
    rows += [{"kind": "sector", "part": name, "pnl": 2.0} for name in factors.model_names[sector : sector + 3]]
    rows += [{"kind": "cross_asset", "part": factors.model_names[cross], "pnl": 1.0}]
    rows += [{"kind": "core", "part": name, "pnl": 1.0} for name in reversed(factors.core_names)]
    found = _parts(rows, day=True)
    labels = [part.label for part in found]
    assert labels[:2] == ["Market", "Interest rates"]
    assert labels[cross:] == [
        *(factors.model_names[cross], "Sectors", "Specific", "Options, gamma", "Options, vega", "FX EURUSD", "Fees"),
    ]
    assert next(part.pnl for part in found if part.label == "Sectors") == 6.0


def test_periods_begin_with_the_month_and_the_year():
    assert list(periods_of(DAY).values()) == [DAY, date(2022, 3, 1), date(2022, 1, 1)]
