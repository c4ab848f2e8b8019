"""Settings: every one is described; the history of runs is where the tables are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from risk_pipeline import cli
from risk_pipeline.settings import MarketSettings, Settings, settings_page

ROOT = Path(__file__).parents[1]


def test_the_page_of_settings_is_current():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page(), "python -m risk_pipeline.settings > docs/settings.md"


@pytest.mark.parametrize("model", [Settings, MarketSettings])
def test_every_setting_says_what_it_is(model):
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    assert undescribed == (["market"] if model is Settings else [])


def test_dagster_s_history_is_where_the_tables_are(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "to be restored")
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "own"))
    monkeypatch.chdir(ROOT)
    cli._prepare_environment()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "own")
    assert Settings().url == f"sqlite:///{tmp_path / 'own' / 'risk.db'}"
    shipped = ROOT / "dagster_home" / "dagster.yaml"
    assert (tmp_path / "own" / "dagster.yaml").read_text() == shipped.read_text()


def test_a_home_that_is_named_for_dagster_itself_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "history"))
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "own"))
    cli._prepare_environment()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "history")
