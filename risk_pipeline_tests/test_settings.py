"""Settings: every one is in the README's table; the history of runs is where the tables are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from risk_pipeline import cli
from risk_pipeline.settings import MarketSettings, Settings

README_FOLDER = Path(__file__).parents[1]
README = (README_FOLDER / "README.md").read_text()


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "market"])
def test_every_setting_is_in_the_readme(name):
    assert f"`RISK_PIPELINE_{name.upper()}`" in README


@pytest.mark.parametrize("name", list(MarketSettings.model_fields))
def test_every_market_setting_is_in_the_readme(name):
    assert f"__{name.upper()}`" in README


def test_dagster_s_history_is_where_the_tables_are(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "to be restored")
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "own"))
    monkeypatch.chdir(README_FOLDER)
    cli._prepare_environment()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "own")
    assert Settings().url == f"sqlite:///{tmp_path / 'own' / 'risk.db'}"
    shipped = README_FOLDER / "dagster_home" / "dagster.yaml"
    assert (tmp_path / "own" / "dagster.yaml").read_text() == shipped.read_text()


def test_a_home_that_is_named_for_dagster_itself_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "history"))
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "own"))
    cli._prepare_environment()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "history")
