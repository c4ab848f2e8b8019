"""Passwords stay out of messages, and files with positions are their owner's alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from risk_pipeline.reports.risk_page import put
from risk_pipeline.settings import Settings
from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.price_panel import ARRAYS, UNFINISHED, PricePanel, prune_panels, write_panel

INIT = [Path(sys.executable).with_name("risk-pipeline"), "init"]


@pytest.mark.parametrize("password", ["p@secret", "sec:ret@p", "12/p@secret", "@", "p%zz@secret"])
def test_a_password_with_signs_of_a_url_is_refused_without_being_shown(password):
    with pytest.raises(StorageError) as refused:
        open_engine(f"postgresql://risk:{password}@host.example/risk")
    assert "%40 for @" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("shared", "file_mode", "folder_mode"), [("false", 0o600, 0o700), ("true", 0o640, 0o750)])
def test_the_database_and_the_home_are_their_owner_s_and_a_group_s_on_request(tmp_path, shared, file_mode, folder_mode):
    home = tmp_path / "home"
    places = {"RISK_PIPELINE_HOME": str(home), "DAGSTER_HOME": str(home), "RISK_PIPELINE_GROUP_MAY_READ": shared}
    subprocess.run(INIT, env=os.environ | places, check=True, capture_output=True, umask=0o022)
    assert stat.S_IMODE(home.stat().st_mode) == folder_mode
    assert stat.S_IMODE((home / "risk.db").stat().st_mode) == file_mode


def test_pages_have_the_same_permissions(tmp_path, monkeypatch):
    put(tmp_path / "a.html", "text", Settings().umask)
    monkeypatch.setenv("RISK_PIPELINE_GROUP_MAY_READ", "true")
    put(tmp_path / "b.html", "text", Settings().umask)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.html", "b.html")] == [0o600, 0o640]


@pytest.mark.parametrize(("shared", "file_mode", "folder_mode"), [("false", 0o600, 0o700), ("true", 0o640, 0o750)])
def test_panels_have_the_same_permissions(tmp_path, monkeypatch, shared, file_mode, folder_mode):
    monkeypatch.setenv("RISK_PIPELINE_GROUP_MAY_READ", shared)
    dates, one = np.array(["2025-06-02"], dtype="datetime64[D]"), np.ones((1, 1))
    panel = PricePanel(dates=dates, symbols=("SPY",), **dict.fromkeys(ARRAYS, one))
    before = os.umask(Settings().umask)  # as every process that writes begins
    try:
        name = write_panel(tmp_path, panel)
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == folder_mode
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / name).iterdir()} == {file_mode}


def test_what_a_killed_writer_of_panels_left_is_removed_and_a_living_one_s_is_not(tmp_path):
    kept = tmp_path / ("a" * 64)
    left, young = tmp_path / f"{UNFINISHED}old", tmp_path / f"{UNFINISHED}new"
    for folder in (kept, left, young):
        folder.mkdir()
        np.save(folder / "close.npy", np.zeros(1))
    now = time.time()
    os.utime(left, (now, now - 2 * 3600))
    prune_panels(tmp_path, {kept.name})
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == sorted([kept.name, young.name])
