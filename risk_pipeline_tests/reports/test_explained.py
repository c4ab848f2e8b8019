"""The waterfalls of the P&L: bars that begin where the last one ended, and a total that is the P&L."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from risk_pipeline.config.factors import load_factors
from risk_pipeline.reports.explained import Explained, Part, _contributions, _parts, periods_of
from risk_pipeline.reports.sections.explain import _distinct, _waterfall

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


def test_what_is_small_is_in_the_rest():
    below_a_unit = _waterfall(explained(0.4, 0.4, 10.0))
    assert len(below_a_unit["rows"]) == 1
    assert below_a_unit["rest"] == pytest.approx(0.8)
    beside_others = _waterfall(explained(1_000.0, 10.0, -2_000.0, 7.0))
    assert [row["pnl"] for row in beside_others["rows"]] == [1_000.0, -2_000.0]
    assert beside_others["rest"] == pytest.approx(17.0)
    assert beside_others["total"] == pytest.approx(-983.0)


def test_sessions_that_were_not_run_are_counted():
    assert _waterfall(explained(1.0, sessions=5, expected=52))["missing"] == 47


def test_a_period_with_the_sessions_of_a_shorter_one_is_not_shown_again():
    def names(*counts: int) -> list[str]:
        words = ("day", "month", "year")
        return [
            each.period
            for each in _distinct(
                [
                    replace(explained(1.0, sessions=count), period=word)
                    for word, count in zip(words, counts, strict=True)
                ]
            )
        ]

    assert names(1, 12, 12) == ["day", "month"]
    assert names(1, 1, 12) == ["day", "year"]
    assert names(1, 1, 1) == ["day"]
    assert names(1, 5, 12) == ["day", "month", "year"]


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


def made(**money: float) -> list[dict]:
    return [{"name": name, "pnl": pnl} for name, pnl in money.items()]


def test_contributions_are_the_best_and_the_worst_over_the_equity_at_the_start():
    rows = made(A=10.0, B=-30.0, C=5.0, D=1.0, E=2.0, F=-4.0, G=3.0, H=-1.0, I=-2.0, J=0.6)
    found = _contributions(rows, sum(row["pnl"] for row in rows), 200.0)
    assert [one.name for one in found] == ["A", "C", "G", "I", "F", "B"]
    assert found[0].share == pytest.approx(0.05)
    assert found[-1].share == pytest.approx(-0.15)


def test_contributions_are_left_out_where_rows_are_missing_and_shares_where_equity_is():
    assert _contributions(made(A=10.0, B=-30.0), -45.0, 200.0) == []
    assert _contributions(None, 0.0, 200.0) == []
    assert _contributions(made(A=10.0), 10.0, -5.0)[0].share is None
