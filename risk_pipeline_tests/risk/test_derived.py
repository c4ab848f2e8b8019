"""What analytics share within a run: the same numbers to the last bit, made once, bounded, safe from being changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.risk.core_model import BETAS, CORE, core_model, model_betas
from risk_pipeline.risk.derived import Derived
from risk_pipeline.risk.explain import compute_explain
from risk_pipeline.risk.exposures import compute_exposures
from risk_pipeline.risk.performance import portfolio_performance
from risk_pipeline.risk.volatility import compute_volatility
from risk_pipeline_tests.support.blocks import block, lot
from risk_pipeline_tests.support.real_prices import real_prices

PRICES = real_prices(first="2016-06-01", last="2020-03-20")
DAYS = [day.date() for day in PRICES.loc["2020-02-18":].index]
LOTS = [
    lot("one", "SPY", 100, "2020-02-03", 320.0),
    lot("one", "SPY C", 10, "2020-02-19", 8.0, investment_class="OPTIONS", underlying="SPY")
    | {"option_type": "CALL", "strike": 300.0, "expiry": "2020-09-18"},
    lot("one", "XOM", -300, "2020-02-20", 60.0, exit_date="2020-03-17"),
    lot("two", "KO", 500, "2020-03-10", 55.0),  # bought after the first blocks
]


def fresh(days):
    return block(PRICES, days, LOTS, equity=100_000.0, inception="2020-02-03")


def computed(inputs):
    """Return everything of a block that is made of shared numbers, in the order of a run."""
    exposures = compute_exposures(inputs)
    volatility = compute_volatility(inputs.of(inputs.sessions, exposures))
    performance = {name: pd.DataFrame(values) for name, values in vars(portfolio_performance(inputs)).items()}
    return {**exposures, **compute_explain(inputs), **volatility, **performance}


@pytest.fixture(scope="module")
def blocks():
    """Three blocks of a month, the last before the middle one."""
    return [DAYS[:8], DAYS[16:], DAYS[8:16]]


@pytest.fixture(scope="module")
def separate(blocks):
    return [computed(fresh(days)) for days in blocks]


@pytest.mark.parametrize("most_bytes", [10**9, 60_000, 0], ids=["all kept", "some kept", "nothing kept"])
def test_blocks_that_share_have_the_rows_of_blocks_that_do_not(blocks, separate, most_bytes):
    run = fresh(DAYS)
    object.__setattr__(run, "derived", Derived(most_bytes))
    for days, expected in zip(blocks, separate, strict=True):
        rows = computed(run.of(days, {}))
        assert rows.keys() == expected.keys()
        for name, frame in rows.items():
            pd.testing.assert_frame_equal(frame, expected[name], check_exact=True, obj=name)


def test_the_model_of_the_run_is_that_of_the_rows_it_wrote(separate, blocks):
    """Also of a block of which a part was computed by another one, and in the order of no key."""
    run = fresh(DAYS)
    frames = [compute_exposures(run.of(days, {})) for days in blocks[:2]]
    assert run.derived.has([CORE, BETAS], run.of(blocks[1], {}).ends)
    assert not run.derived.has([CORE, BETAS], run.of(DAYS, {}).ends)
    rows = {name: pd.concat([one[name] for one in separate]).sample(frac=1, random_state=1) for name in frames[0]}
    kept, read = run.of(DAYS, rows), fresh(DAYS).of(DAYS, rows)
    np.testing.assert_array_equal(model_betas(kept), model_betas(read))
    assert np.isfinite(model_betas(kept)).any()
    for name, values in vars(core_model(read)).items():
        np.testing.assert_array_equal(getattr(core_model(kept), name), values, err_msg=name)
        assert np.isfinite(values).any(), name


def test_a_row_is_made_once_and_only_missing_ones_are_asked_for():
    asked = []

    def make(rows):
        asked.append(rows.tolist())
        return rows * 10.0

    derived = Derived()
    np.testing.assert_array_equal(derived.at("kind", np.array([3, 4, 5]), make), [30.0, 40.0, 50.0])
    np.testing.assert_array_equal(derived.at("kind", np.array([6, 4, 5, 2]), make), [60.0, 40.0, 50.0, 20.0])
    np.testing.assert_array_equal(derived.at("other kind", np.array([4]), make), [40.0])
    assert asked == [[3, 4, 5], [6, 2], [4]]


def test_what_is_kept_can_not_be_changed():
    kept = Derived().at("kind", np.arange(2), lambda rows: rows * 1.0)
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1.0


def test_consecutive_rows_that_were_made_together_are_a_view():
    derived = Derived()
    made = derived.at("kind", np.arange(3, 9), lambda rows: rows * 10.0)
    some = derived.at("kind", np.array([5, 6, 7]), None)
    np.testing.assert_array_equal(some, [50.0, 60.0, 70.0])
    assert np.shares_memory(some, made)
    assert not np.shares_memory(derived.at("kind", np.array([7, 6]), None), made)


def test_a_book_parted_and_joined_is_the_same():
    book = fresh(DAYS[-4:]).book
    again = type(book).join([book.part(0, 1), book.part(1, 3), book.part(3, 4)])
    for name, values in vars(book).items():
        if isinstance(values, np.ndarray):
            np.testing.assert_array_equal(getattr(again, name), values)
        else:
            for field, column in vars(values).items():
                np.testing.assert_array_equal(getattr(getattr(again, name), field), column)


def test_threads_make_different_rows_at_once_and_the_same_ones_once():
    derived, together, asked = Derived(), Barrier(2, timeout=60), []

    def make(rows):
        asked.extend(rows.tolist())
        together.wait()  # for the other thread: if one waited for the other to end, this would break
        return rows * 10.0

    with ThreadPoolExecutor(2) as pool:
        some = pool.submit(derived.at, "kind", np.array([1, 2]), make)
        others = pool.submit(derived.at, "kind", np.array([2, 3]), make)
    np.testing.assert_array_equal(some.result(), [10.0, 20.0])
    np.testing.assert_array_equal(others.result(), [20.0, 30.0])
    assert sorted(asked) == [1, 2, 3]


def test_what_one_failed_to_make_another_makes():
    derived, begun, waiting = Derived(), Event(), Event()

    def fail(rows):
        begun.set()
        waiting.wait(60)
        raise ZeroDivisionError

    with ThreadPoolExecutor(2) as pool:
        failed = pool.submit(derived.at, "kind", np.array([1]), fail)
        begun.wait(60)
        made = pool.submit(derived.at, "kind", np.array([1]), lambda rows: rows * 10.0)
        waiting.set()
    assert isinstance(failed.exception(), ZeroDivisionError)
    np.testing.assert_array_equal(made.result(), [10.0])
