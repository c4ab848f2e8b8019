"""Compiled loops give the numbers of the same loops uncompiled, and no number of one entity depends on another."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from risk_pipeline.analytics.core_ridge import BeyondSpec, CoreRidge, CoreSpec, core_ridge
from risk_pipeline.analytics.exposures import SeriesFit, series_fit
from risk_pipeline.analytics.holdings import constant_weight_returns, covered_returns
from risk_pipeline.analytics.kernels import compiled
from risk_pipeline.analytics.kernels.constants import LOOK_BACK as VOLATILITY_LOOK_BACK
from risk_pipeline.analytics.kernels.constants import UNKNOWN_SECTOR
from risk_pipeline.analytics.kernels.copy_rows import write_rows
from risk_pipeline.analytics.option_scenarios import OptionScenarios
from risk_pipeline.analytics.options import OptionTerms
from risk_pipeline.analytics.rolling_beta import RollingBeta, rolling_beta
from risk_pipeline.analytics.var import LOOK_BACK, WorstScenarios, filtered_with_scales, tail_risk
from risk_pipeline.analytics.volatility import estimate_volatility

MANY = 4000


def options(count: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(7)
    spot, strike, years = rng.uniform(50, 150, count), np.full(count, 100.0), rng.uniform(0.0, 2.0, count)
    rate, dividend_yield, volatility = (rng.uniform(0, high, count) for high in (0.06, 0.04, 0.6))
    return spot, strike, years, rate, dividend_yield, volatility, rng.random(count) < 0.5


def series(count: int) -> np.ndarray:
    """Returns with gaps, of which the first begin late, stand still for a year, and are never there."""
    rng = np.random.default_rng(8)
    returns = rng.standard_t(4, (LOOK_BACK, count)) * 0.01
    returns[rng.random(returns.shape) < 0.01] = np.nan
    returns[:300, 0] = np.nan
    returns[500:800, 1] = 0.0
    returns[:, 2] = np.nan
    return returns


def test_an_option_alone_is_worth_what_it_is_worth_among_thousands_to_the_last_bit():
    terms = OptionTerms(*options(MANY), is_american=np.ones(MANY, dtype=bool))
    together = terms.tree_price()
    for k in (0, 17, MANY - 1):
        alone = terms.take(np.array([k])).tree_price()
        assert alone.tobytes() == together[k : k + 1].tobytes()


def test_an_option_alone_has_the_scenarios_that_it_has_among_thousands_to_the_last_bit():
    terms = OptionTerms(*options(MANY), is_american=np.ones(MANY, dtype=bool))
    move = np.linspace(-0.3, 0.3, 7)[:, None] * np.ones(MANY)
    together = OptionScenarios(terms).price(move, 0.01)
    for k in (0, 17, MANY - 1):
        alone = OptionScenarios(terms.take(np.array([k]))).price(move[:, [k]], 0.01)
        assert alone[:, 0].tobytes() == together[:, k].tobytes()


def test_a_series_alone_has_the_scenarios_that_it_has_among_thousands_to_the_last_bit():
    returns = series(MANY)
    together = filtered_with_scales(returns)
    for k in (0, 1, 2, 1003, MANY - 1):
        for one, all_of_them in zip(filtered_with_scales(returns[:, k : k + 1]), together, strict=True):
            assert one[:, 0].tobytes() == all_of_them[:, k].tobytes()


def test_the_worst_scenarios_are_the_first_of_a_stable_sort_and_give_numpy_s_quantiles():
    scenarios = filtered_with_scales(series(9))[0]
    scenarios[:, 3] = np.round(scenarios[:, 3], 3)  # ties
    scenarios[3:, 4] = np.nan  # fewer than a tail takes
    worst, tail = WorstScenarios.of(scenarios), tail_risk(scenarios)
    known = np.where(np.isnan(scenarios), np.inf, scenarios)
    row = np.argsort(known, axis=0, kind="stable")[: len(worst.row)]
    value = np.take_along_axis(known, row, axis=0)
    np.testing.assert_array_equal(worst.value, value)
    np.testing.assert_array_equal(worst.row, np.where(np.isinf(value), 0, row))
    np.testing.assert_array_equal(worst.count, (~np.isnan(scenarios)).sum(axis=0))
    for k in (0, 1, 3, 8):
        own = scenarios[~np.isnan(scenarios[:, k]), k]
        np.testing.assert_allclose(tail.var_95[k], -np.quantile(own, 0.05), rtol=1e-12)
        np.testing.assert_allclose(tail.es_99[k], -own[own <= np.quantile(own, 0.01)].mean(), rtol=1e-12)
        for name, values in vars(tail_risk(np.ascontiguousarray(scenarios[:, [k]]))).items():
            assert values.tobytes() == getattr(tail, name)[[k]].tobytes()
    assert np.isnan(tail.var_95[[2, 4]]).all()


def volatilities(returns: np.ndarray, ends: list[int]) -> list[np.ndarray]:
    """Return estimates; large returns have no range, of some series more than a twentieth."""
    ranges = np.where(np.abs(returns) < 0.029, 0.3 * returns**2 + 1e-6, np.nan)
    return list(vars(estimate_volatility(returns, np.array(ends), ranges=ranges)).values())


def test_a_series_alone_has_the_volatility_that_it_has_among_thousands_to_the_last_bit():
    returns = series(MANY)
    together = volatilities(returns, [LOOK_BACK - 20, LOOK_BACK - 1])
    assert np.isnan(together[0][:, 2]).all()
    for k in (0, 1, 2, 1003, MANY - 2):
        alone = volatilities(returns[-VOLATILITY_LOOK_BACK:, k : k + 1], [VOLATILITY_LOOK_BACK - 1])
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[0, 0], all_of_them[1, k])


def books(count: int) -> tuple[sp.csr_array, np.ndarray]:
    """Return the dollars of portfolios in nine symbols, and their equity; the second holds nothing, nor does it owe."""
    rng = np.random.default_rng(9)
    dollars = rng.normal(0, 1e4, (count, 9)) * (rng.random((count, 9)) < 0.5)
    dollars[1] = 0.0
    return sp.csr_array(dollars), rng.uniform(1e4, 1e5, count)


def gains_of(notional: sp.csr_array, equity: np.ndarray) -> np.ndarray:
    """Return what portfolios gain in the rows of ``series``; each third holding is given as one that is revalued."""
    holdings = notional.tocoo()
    moves, symbol = np.ascontiguousarray(series(9)[:200].T), holdings.col.astype(np.int64)
    option = np.where(np.arange(holdings.nnz) % 3 == 0, np.arange(holdings.nnz) // 3, -1)
    return covered_returns(
        *(moves, symbol, holdings.row.astype(np.int64), holdings.data, equity),
        min_coverage=0.8,
        gains=np.nan_to_num(moves[symbol[::3]]),
        option=option,
        shares=holdings.data,
    )


def test_a_portfolio_alone_has_the_history_that_it_has_among_thousands_to_the_last_bit():
    notional, equity = books(MANY)
    together = constant_weight_returns(notional, series(9), equity, coverage_rows=778)
    for k in (0, 1, 2, 1003, MANY - 1):
        alone = constant_weight_returns(notional[[k]], series(9), equity[[k]], coverage_rows=778)
        assert alone.returns[:, 0].tobytes() == together.returns[:, k].tobytes()
        assert alone.coverage.tobytes() == together.coverage[[k]].tobytes()


def test_history_and_scenarios_of_the_same_returns_are_the_same():
    notional, equity = books(40)
    history = constant_weight_returns(notional, series(9)[:200], equity).returns
    holds = np.diff(notional.indptr) > 0
    found = gains_of(notional, equity)
    assert np.isnan(history[:, holds]).any()
    np.testing.assert_allclose(found[:, holds], history[:, holds], rtol=1e-12, atol=1e-15)


def fits(returns: np.ndarray) -> SeriesFit:
    """Return weighted regressions on three factors, of which one lacks a session."""
    factors = np.random.default_rng(10).normal(0.0, 0.01, (len(returns), 3))
    factors[40, 2] = np.nan
    return series_fit(returns, factors, weight=0.5 ** (np.arange(len(returns))[::-1] / 126))


def test_a_series_alone_has_the_fit_that_it_has_among_thousands_to_the_last_bit():
    returns = series(MANY)[-252:]
    together = fits(returns)
    for k in (0, 2, 1003, MANY - 1):
        for name, values in vars(fits(returns[:, k : k + 1])).items():
            assert values.tobytes() == np.take(vars(together)[name], [k], axis=int(name == "residual")).tobytes()


def ridges(returns: np.ndarray, beyond: BeyondSpec | None = None) -> CoreRidge:
    """Return ridge regressions on three factors, of which one lacks a session."""
    factors = np.random.default_rng(11).normal(0.0, 0.01, (len(returns), 3))
    factors[40, 2] = np.nan
    spec = CoreSpec(252, 126.0, 120, np.array([1.0, 0.0, 0.0]), np.full(3, 1e-5))
    return core_ridge(returns, factors, np.array([260, len(returns) - 1]), spec, beyond)


def betas(returns: np.ndarray) -> RollingBeta:
    """Return regressions on a factor that lacks a session."""
    factor = np.random.default_rng(12).normal(0.0, 0.01, len(returns))
    factor[40] = np.nan
    return rolling_beta(returns, factor, np.array([60, len(returns) - 1]), window=90, min_observations=50)


@pytest.mark.parametrize(("regressions", "sessions"), [(ridges, 300), (betas, 200)])
def test_a_symbol_alone_has_the_regressions_that_it_has_among_thousands_to_the_last_bit(regressions, sessions):
    returns = series(MANY)[-sessions:]
    together = regressions(returns)
    for k in (0, 2, 1003, MANY - 1):
        for name, values in vars(regressions(returns[:, k : k + 1])).items():
            assert values.tobytes() == vars(together)[name][:, k : k + 1].tobytes()


def copied_bytes() -> np.ndarray:
    """Return the bytes of rows of a negative number and a large one, a truth value, a text and what is absent."""
    values = np.array([[-(2**40), 2**62 + 1], [-7, 2**31 - 1], [1, 0], [1, 0]])
    absent = np.array([[False, False], [False, True], [False, False], [False, True]])
    texts = np.frombuffer(b"\0\0\0\1a" + b"\0\0\0\2bc", dtype=np.uint8)
    ends, first, out = np.array([0, 5, 11]), np.array([1, 1, 1, 1]), np.zeros(100, dtype=np.uint8)
    return out[: write_rows(values, absent, 2, np.array([8, 4, 1, 0]), texts, ends, first, out)]


def numbers() -> list[float]:
    """Return numbers of every kernel, of enough rows for every branch."""
    scenarios, scales = filtered_with_scales(series(4))
    worst = WorstScenarios.of(scenarios)
    notional, equity = books(20)
    history = constant_weight_returns(notional, series(9)[:200], equity)
    gains = gains_of(notional, equity)
    returns = series(6)[-300:]
    returns[:, 0] += returns[:, 3] + returns[:, 4]
    returns[:, 5] += returns[:, 4]
    unknown = np.full((2, 6), UNKNOWN_SECTOR)
    ridge = ridges(returns, BeyondSpec(np.array([3]), np.array([1e-5]), np.array([4]), unknown))
    regressions = vars(fits(series(4)[-252:])) | vars(ridge) | vars(betas(series(4)[-200:]))
    terms = OptionTerms(*options(8), is_american=np.ones(8, dtype=bool))
    revalued = OptionScenarios(terms).price(np.linspace(-0.4, 0.4, 7)[:, None] * np.ones(8), 0.0)
    return [
        *terms.tree_price(51),
        *(value for values in vars(terms.european()).values() for value in values),
        *(100.0 + revalued).ravel(),
        *(value for rows in (scenarios, scales, history.returns, gains) for value in rows[::25].ravel()),
        *history.coverage,
        *(value for rows in (worst.row, worst.value) for value in rows.ravel()),
        *(value for values in regressions.values() for value in values.ravel()),
        *copied_bytes(),
        *(x for values in volatilities(series(4), [LOOK_BACK - 1]) if values.dtype == float for x in values.ravel()),
    ]


def test_a_compiled_loop_gives_the_numbers_of_the_loop_uncompiled():
    script = f"from {__name__} import numbers; print(*numbers())"
    root = Path(__file__).parents[2]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    run = [sys.executable, "-W", "ignore", "-c", script]
    uncompiled = subprocess.run(run, env=environment, cwd=root, capture_output=True, text=True, check=True).stdout
    found = numbers()
    assert np.isfinite(found).sum() > 200
    np.testing.assert_allclose(found, [float(value) for value in uncompiled.split()], rtol=1e-12, atol=0)


def twice(x: float) -> float:
    return 2.0 * x


def compile_twice():
    return compiled.kernel("float64(float64)")(twice)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the test's own for machine code."""
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path / "kept"))
    compiled.kernel_folder.cache_clear()
    compiled.warn_once.cache_clear()
    yield compiled.kernel_folder()
    compiled.kernel_folder.cache_clear()
    compiled.warn_once.cache_clear()


def test_machine_code_is_read_and_not_made_again_even_where_nothing_can_be_written(folder):
    assert not compile_twice().stats.cache_hits
    folder.chmod(0o500)
    again = compile_twice()
    folder.chmod(0o700)
    assert sum(again.stats.cache_hits.values()) == 1
    assert again(3.0) == 6.0


def test_without_a_folder_to_write_to_a_kernel_is_compiled_in_memory_and_that_is_said_once(folder, caplog):
    folder.parent.write_text("a file, so no folder")
    with caplog.at_level(logging.WARNING):
        assert [compile_twice()(3.0), compile_twice()(4.0)] == [6.0, 8.0]
    assert len(caplog.messages) == 1
    assert "NUMBA_CACHE_DIR" in caplog.messages[0]


def test_kernels_that_threads_compile_at_once_are_all_kept_in_the_folder(folder):
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: compile_twice(), range(8)))
    assert [one(3.0) for one in found] == [6.0] * 8
    assert sum(sum(one.stats.cache_hits.values()) for one in found) == 7
    assert compiled.config.CACHE_LOCATOR_CLASSES == ""


def test_damaged_machine_code_is_compiled_anew(folder, caplog):
    compile_twice()
    for file in folder.iterdir():
        file.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert compile_twice()(3.0) == 6.0
    assert caplog.messages


def test_an_edit_of_any_kernel_s_source_leaves_all_old_machine_code_behind(folder, tmp_path, monkeypatch):
    sources = tmp_path / "sources"
    sources.mkdir()
    for path in compiled.SOURCES.glob("*.py"):
        (sources / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(compiled, "SOURCES", sources)
    compiled.kernel_folder.cache_clear()
    assert compiled.kernel_folder() == folder
    edited = sources / "american_tree.py"
    edited.write_text(edited.read_text() + "\n# an edit\n")
    compiled.kernel_folder.cache_clear()
    assert compiled.kernel_folder() != folder
