"""Settings: every one is described; the history of runs is where the tables are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from risk_pipeline.cli.start import prepare_environment
from risk_pipeline.settings import MarketSettings, Settings, dagster_home, settings_page

ROOT = Path(__file__).parents[1]


def test_the_page_of_settings_is_current():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page(), "python -m risk_pipeline.settings > docs/settings.md"


@pytest.mark.parametrize("model", [Settings, MarketSettings])
def test_every_setting_says_what_it_is(model):
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    assert undescribed == (["market"] if model is Settings else [])


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    """A working folder with nothing in it, and an environment that names no home and is restored."""
    for name in ("DAGSTER_HOME", "RISK_PIPELINE_HOME", "RISK_PIPELINE_DATABASE_URL", "RISK_PIPELINE_RISK_FREE_RATE"):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_dagster_s_history_is_where_the_tables_are(empty, tmp_path, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "own"))
    prepare_environment()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "own")
    assert Settings().url == f"sqlite:///{tmp_path / 'own' / 'risk.db'}"


def test_a_tilde_is_the_user_s_home_for_the_tables_as_for_dagster(empty, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RISK_PIPELINE_HOME", "~/risk")
    assert Settings().home == tmp_path / "risk" == dagster_home()


def test_a_home_that_is_named_for_dagster_itself_is_kept(empty, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "history"))
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "own"))
    prepare_environment()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "history")


def test_env_file_counts_more_than_the_environment_as_it_does_for_dagster(empty, tmp_path, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / "shell"))
    monkeypatch.setenv("RISK_PIPELINE_RISK_FREE_RATE", "0.04")
    (empty / ".env").write_text(f'RISK_PIPELINE_HOME="{tmp_path}/file"\nRISK_PIPELINE_MARKET__SEED=11\n')
    assert dagster_home() == tmp_path / "file"
    settings = Settings()
    assert (settings.home, settings.market.seed, settings.risk_free_rate) == (tmp_path / "file", 11, 0.04)
    prepare_environment()
    assert os.environ["DAGSTER_HOME"] == os.environ["RISK_PIPELINE_HOME"] == str(tmp_path / "file")


def test_dagster_home_in_env_file_is_the_home_of_the_tables_too(empty, tmp_path):
    (empty / ".env").write_text(f"DAGSTER_HOME={tmp_path}/file\n")
    assert dagster_home() == Settings().home == tmp_path / "file"


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "sqlite"),
        ({"DAGSTER_PG_URL": "postgresql+psycopg2://localhost/dagster"}, "postgres"),
        ({"DAGSTER_PG_URL": "postgresql+psycopg2://x/y", "RISK_PIPELINE_BROKER_URL": "redis://z"}, "workers"),
    ],
)
def test_a_home_gets_the_configuration_that_fits_and_keeps_its_own(empty, monkeypatch, environment, name):
    from risk_pipeline.dagster_ext.instance import SHIPPED, prepare_home

    for variable in ("DAGSTER_PG_URL", "RISK_PIPELINE_BROKER_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    config = prepare_home() / "dagster.yaml"
    assert config.parent == empty / "dagster_home"
    assert config.read_bytes() == (SHIPPED / f"{name}.yaml").read_bytes()
    config.write_text("telemetry: {enabled: false}\n")
    prepare_home()
    assert config.read_text() == "telemetry: {enabled: false}\n"


def test_the_checkout_s_configurations_are_the_shipped_ones():
    """Links: a bare ``dg dev`` in the checkout reads the first, ``DAGSTER_HOME=dagster_home/postgres`` the third."""
    shipped = ROOT / "risk_pipeline" / "dagster_ext" / "instances"
    for link, name in (
        ("dagster.yaml", "sqlite"),
        ("dagster_home/dagster.yaml", "sqlite"),
        ("dagster_home/postgres/dagster.yaml", "postgres"),
        ("dagster_home/workers/dagster.yaml", "workers"),
    ):
        assert (ROOT / link).read_bytes() == (shipped / f"{name}.yaml").read_bytes()


def test_a_misspelt_variable_is_an_error_that_names_the_nearest(monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_MARKET__SORCE", "files")
    with pytest.raises(ValueError, match="the nearest is RISK_PIPELINE_MARKET__SOURCE: correct or unset"):
        Settings()
