"""The configuration of a home: shipped where there is none, corrected where it names a module that has moved."""

from __future__ import annotations

import pytest

from risk_pipeline.dagster_ext.instance import CONFIG, MOVED, prepare_home, shipped_config


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_PG_URL", raising=False)
    return tmp_path / "home"


def test_a_home_without_a_configuration_gets_the_shipped_one(home):
    assert prepare_home() == home
    assert (home / CONFIG).read_text() == shipped_config().read_text()


def test_a_configuration_of_the_first_version_names_its_modules_where_they_are(home):
    home.mkdir()
    own = "telemetry: {enabled: false}\n" + "".join(f"# {before}\n" for before in MOVED)
    (home / CONFIG).write_text(own)
    prepare_home()
    text = (home / CONFIG).read_text()
    assert text.startswith("telemetry: {enabled: false}\n")
    for before, now in MOVED.items():
        assert before not in text
        assert now in text


def test_a_configuration_of_one_s_own_is_left_alone(home):
    home.mkdir()
    (home / CONFIG).write_text("telemetry: {enabled: true}\n")
    prepare_home()
    assert (home / CONFIG).read_text() == "telemetry: {enabled: true}\n"
