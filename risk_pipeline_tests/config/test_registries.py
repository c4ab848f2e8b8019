"""The registries: what they hold, and how a mistake in a file is reported."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import yaml

import risk_pipeline
from risk_pipeline.config import factors as factor_module
from risk_pipeline.config.errors import ConfigError
from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios


@pytest.fixture
def factors():
    return load_factors()


def test_thirteen_factors_in_their_order(factors):
    assert factors.names == (
        *("Market Beta (90D)", "Provider Beta (1Y)", "IR Beta", "Momentum", "Value", "Growth", "Size", "Quality"),
        *("Low Volatility", "Growth-Value Spread", "Momentum Spread", "Size Spread", "Quality Spread"),
    )
    rates = factors.by_name["IR Beta"]
    assert (rates.order, rates.factor_type, rates.method, rates.proxy) == (2, "macro", "rolling_regression", "TLT")
    assert factors.core_proxies == ("SPY", "TLT", "MTUM", "VTV", "VUG", "IWM", "QUAL", "USMV")
    assert factors.beyond_proxies[:4] == ("HYG", "DBC", "GLD", "UUP")
    assert set(factors.proxies) == {*factors.core_proxies, *factors.beyond_proxies}
    assert factors.required_proxies == ("SPY", "TLT")
    assert factors.aliases == {"Interest Rate": "IR Beta"}


def test_nineteen_scenarios_and_four_historical_ones(factors):
    library = load_scenarios(factors)
    kinds = [scenario.kind for scenario in library.active]
    assert (kinds.count("hypothetical"), kinds.count("historical")) == (19, 4)
    assert [scenario.id for scenario in library.replays] == ["covid_2020", "rates_2022"]
    severity = {scenario.id: library.severity(scenario) for scenario in library.active}
    assert severity["market_down_5"] == "base"
    assert severity["market_down_10"] == "mild"
    assert severity["liquidity_crisis"] == "moderate"
    assert severity["market_down_35"] == "severe"
    assert severity["financial_crisis_2008"] == "extreme"


def test_eleven_sectors_each_with_its_fund_under_the_names_that_vendors_use(factors):
    assert len({sector.proxy for sector in factors.sectors}) == 11
    for spelling, proxy in (("Technology", "XLK"), ("Financial Services", "XLF"), ("Consumer Cyclical", "XLY")):
        assert factors.sectors[factors.sector_spellings[spelling.lower()]].proxy == proxy


def test_the_prior_has_a_mean_and_a_variance_for_every_core_factor(factors):
    assert factors.prior_mean == (1.0, *[0.0] * 7)
    assert len(factors.prior_variance) == len(factors.core_names)
    assert min(factors.prior_variance) > 0


def test_every_shocked_key_resolves_to_a_core_factor(factors):
    library = load_scenarios(factors)
    for scenario in library.active:
        for position in library.moves(scenario, factors):
            assert factors.core_names[position]
    assert factors.by_scenario_key["Interest_Rate"].name == "IR Beta"


def spelled(path: Path) -> set[str]:
    """Return the string constants of a module, docstrings left out."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return {node.value for node in constants if isinstance(node.value, str)}


def test_only_the_registries_spell_a_factor_or_a_scenario(factors):
    """No module and no template holds a factor's name, its key in scenarios, an alias, or a scenario's id or name."""
    library = load_scenarios(factors)
    words = {*factors.names, *factors.aliases, *factors.core_names, *factors.by_scenario_key}
    words |= {word for scenario in library.active for word in (scenario.id, scenario.name)}
    words -= {"Market", "Value"}  # headings, too
    distinct = {word for word in words if " " in word or "_" in word}
    root = Path(risk_pipeline.__file__).parent
    for path in root.rglob("*.py"):
        texts = spelled(path)
        assert not texts & words, f"{path.name} spells {texts & words}"
        for word in distinct:
            assert not any(word in text for text in texts), f"{path.name} spells {word}"
    for path in [*root.rglob("*.j2"), *root.rglob("*.js")]:
        for word in distinct:
            assert word not in path.read_text(), f"{path.name} spells {word}"
    assert len(words) > 60


def test_an_absolute_style_return_becomes_one_relative_to_the_market(factors, tmp_path):
    path = scenario_file(tmp_path, {"Value": {"return": 0.05}, "Market": {"return": 0.02}})
    library = load_scenarios(factors, path)
    mine = library.active[-1]
    assert library.moves(mine, factors) == pytest.approx({3: 0.03, 0: 0.02})


def scenario_file(folder: Path, shocks: object, **fields: object) -> Path:
    path = folder / "mine.yaml"
    entry = {"id": "mine", "name": "Mine", "category": "own", "shocks": shocks, **fields}
    path.write_text(yaml.safe_dump({"scenarios": [entry]}))
    return path


@pytest.mark.parametrize(
    ("shocks", "fields", "says"),
    [
        ({"Inflation": {"return": 0.1}}, {}, "use one of Market"),
        ({"Market": -0.1}, {}, "has no unit"),
        ({"Market": {"return": -1.2}}, {}, "decimal above -1.0 and below 3.0"),
        ({"Interest_Rate": {"yield_change": 5.0}}, {}, "decimal above -0.2 and below 0.2"),
        ({"Market": {"yield_change": 0.01}}, {}, "yield_change is for rates"),
        ({"Market": {"relative": 0.01}}, {}, "use return"),
        ({}, {}, "holds no shock"),
        ({"Market": {"return": 0.1}}, {"id": "market_up_5"}, "used twice"),
        ({"Market": {"return": 0.1}}, {"id": "../../x"}, "pattern"),
        ({"Market": {"return": 0.1}}, {"colour": "red"}, "colour"),
        ({"Market": {"return": 0.1}}, {"horizon": 0}, "horizon"),
        ({"Market": {"return": 0.1}}, {"replay": ["2022-01-03", "2020-01-03"]}, "ends before it starts"),
        ({"Market": {"return": 0.1}}, {"replay": ["2022-01-03", "2022-01-03"]}, "holds no session"),
        ({"Market": {"return": float("nan")}}, {}, "is impossible"),
        ({"Value": {"return": -0.05}}, {}, "or add the market's return"),
        ({"Interest_Rate": {"yield_change": 0.05}}, {}, "duration / convexity, 434 bp"),
    ],
)
def test_a_wrong_scenario_names_file_scenario_field_and_remedy(factors, tmp_path, shocks, fields, says):
    with pytest.raises(ConfigError) as refused:
        load_scenarios(factors, scenario_file(tmp_path, shocks, **fields))
    text = str(refused.value)
    assert text.startswith("mine.yaml: scenario")
    assert "field" in text
    assert says in text


def test_the_user_s_file_may_convert_rates_in_its_own_way_and_nothing_else(factors, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("rates_conversion: {duration: 8, convexity: 90}")
    library = load_scenarios(factors, path)
    assert library.rates_conversion.to_return(0.01) == pytest.approx(-0.08 + 0.0045)
    assert len(library.active) == 23
    for text, says in (
        ("rates_conversion: {duration: -1, convexity: 90}", "rates_conversion, field 'duration'"),
        ("scenario: []", "field 'scenario': is unknown"),
        ("scenarios:\n- id: mine\n  id: other", "line 3, field 'id': is given twice"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"mine\.yaml") as refused:
            load_scenarios(factors, path)
        assert says in str(refused.value)


def test_a_scenario_may_shock_implied_volatility_and_the_market_alone_moves_it_by_the_response(factors, tmp_path):
    path = tmp_path / "mine.yaml"
    shocks = "shocks: {Market: {return: -0.1}"
    path.write_text(
        f"""spot_volatility_response: 0.5
scenarios:
- {{id: alone, name: A, category: mine, {shocks}}}}}
- {{id: points, name: B, category: mine, {shocks}}}, vol: {{points: 20}}}}
- {{id: share, name: C, category: mine, {shocks}}}, vol: {{relative: 1.5}}}}
- {{id: both, name: D, category: mine, {shocks}, Value: {{relative: 0.1}}}}}}
"""
    )
    library = load_scenarios(factors, path)
    mine = {scenario.id: scenario for scenario in library.active if scenario.category == "mine"}
    volatility = np.array([0.2, 0.4])

    def change(name):
        return library.volatility_change(mine[name], factors, -0.1, volatility)

    np.testing.assert_allclose(change("alone"), [0.05, 0.05])
    np.testing.assert_allclose(change("points"), [0.2, 0.2])
    np.testing.assert_allclose(change("share"), [0.3, 0.6])
    np.testing.assert_allclose(change("both"), [0.0, 0.0])
    stored = library.frame().set_index("scenario_id").loc["points", "shocks"]
    assert stored["vol"] == {"points": 20}


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("vol: {points: 20, relative: 1}", "points: 20"),
        ("vol: {points: 900}", "vol.points"),
        ("vol: 3", "vol"),
    ],
)
def test_an_impossible_shock_of_volatility_is_refused(factors, tmp_path, written, says):
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"scenarios:\n- {{id: mine, name: A, category: mine, shocks: {{Market: {{return: -0.1}}}}, {written}}}\n"
    )
    with pytest.raises(ConfigError, match=r"mine\.yaml") as refused:
        load_scenarios(factors, path)
    assert says in str(refused.value)
    path.write_text("spot_volatility_response: -1\n")
    with pytest.raises(ConfigError, match="spot_volatility_response"):
        load_scenarios(factors, path)


def test_a_file_that_is_no_yaml_or_missing_or_huge_is_refused(factors, tmp_path):
    files = ("{", "- 1", "x: " + "1" * 1_000_001, "x: 0000-00-00", "x: 2026-02-30")
    for name, content in zip(("a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml"), files, strict=True):
        (tmp_path / name).write_text(content)
        with pytest.raises(ConfigError, match=name):
            load_scenarios(factors, tmp_path / name)
    with pytest.raises(ConfigError, match="no such file"):
        load_scenarios(factors, tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "guess"}, "method"),
        ({"min_observations": 500}, "at most the window"),
        ({"name": "IR Beta"}, "used twice"),
        ({"proxy_minus": "SPY"}, "spread_regression"),
        ({"scenario_key": "Interest_Rate"}, "used twice"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_factor_names_file_factor_field_and_remedy(tmp_path, change, says):
    content = yaml.safe_load(factor_module.DEFAULT.read_text())
    content["factors"][3].update(change)
    path = tmp_path / "factors.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as refused:
        load_factors(path)
    assert str(refused.value).startswith("factors.yaml: factor")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("shocks", "word"),
    [
        ("{FX: -0.1}", "is no mapping"),
        ("{FX: {EURGBP: -0.1}}", "a cross by its two"),
        ("{FX: {EURO: -0.1}}", "is no pair against the dollar"),
        ("{FX: {EURUSD: -1.0}}", "is impossible"),
        ("{FX: {EURUSD: -0.1, USDEUR: 0.1}}", "is shocked twice"),
    ],
)
def test_a_currency_shock_that_means_nothing_is_refused_by_name(tmp_path, shocks, word):
    path = tmp_path / "own.yaml"
    path.write_text(f"scenarios:\n  - {{id: fx, name: FX, category: currency, shocks: {shocks}}}\n")
    with pytest.raises(ConfigError, match=word):
        load_scenarios(load_factors(), path)


def test_a_currency_shock_is_kept_as_the_market_quotes_the_pair(tmp_path):
    path = tmp_path / "own.yaml"
    shocks = "{FX: {USDEUR: 0.25, USDJPY: 0.1}}"
    path.write_text(f"scenarios:\n  - {{id: fx, name: FX, category: currency, shocks: {shocks}}}\n")
    library = load_scenarios(load_factors(), path)
    assert library.pairs == ("EURUSD=X", "USDJPY=X")
    assert library.active[-1].currencies == pytest.approx({"EURUSD=X": -0.2, "USDJPY=X": 0.1})
    assert library.severity(library.active[-1]) == "moderate"
