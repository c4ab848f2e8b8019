"""The registries in a run: they fill their tables, and a changed one is another version of the definitions."""

from __future__ import annotations

from risk_pipeline.config.factors import load_factors

FIRST = "2025-06-02"


def test_definitions_are_there_after_a_run_on_an_empty_database(make_home):
    home = make_home(frames=None)
    home.run(FIRST)
    definitions = home.table("factor_definitions").sort_values("factor_order")
    assert definitions["factor_name"].tolist() == list(load_factors().names)
    assert len(definitions) == 13
    assert len(home.table("stress_scenarios")) == 23
    assert home.table("portfolio_snapshots").empty


def test_a_changed_registry_is_another_data_version(make_home, tmp_path, monkeypatch):
    own = tmp_path / "own.yaml"
    own.write_text("scenarios:\n- {id: own_one, name: Own, category: own, shocks: {Market: {return: -0.5}}}\n")
    versions = []
    for path in (None, None, str(own)):
        home = make_home()
        if path:
            monkeypatch.setenv("RISK_PIPELINE_SCENARIOS_PATH", path)
        result = home.run(FIRST, steps=["factor_definitions"])
        (event,) = [
            e for e in result.get_asset_materialization_events() if e.asset_key.to_user_string() == "factor_definitions"
        ]
        versions.append(event.materialization.tags["dagster/data_version"])
    assert versions[0] == versions[1] != versions[2]
