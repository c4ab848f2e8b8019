"""Panels in a store that several machines share: S3 spoken to over the wire, each machine with a cache of its own."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import fsspec
import numpy as np
import pytest

from risk_pipeline.analytics.returns import total_returns
from risk_pipeline.analytics.volatility import estimate_volatility
from risk_pipeline.storage.panel_store import IN_USE, PanelStore
from risk_pipeline.storage.price_panel import PanelError, PricePanel

DAYS = np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]")


def panel(price: float = 1.0) -> PricePanel:
    close = np.full((5, 2), price)
    nothing, one = np.zeros((5, 2)), np.ones((5, 2))
    return PricePanel(DAYS, ("A", "B"), close, close, close, nothing, one, total_returns(close, nothing, one))


@pytest.fixture
def machine(panel_bucket, tmp_path):
    """Return a function that makes the store of a machine with an empty cache."""

    def make(name: str) -> PanelStore:
        return PanelStore(tmp_path / name, panel_bucket)

    return make


def test_a_panel_of_one_machine_is_mapped_on_another(machine):
    name = machine("one").write(panel())
    other = machine("two")
    opened = other.open(name)
    assert isinstance(opened.close, np.memmap)
    assert opened.content_hash() == name
    assert [path.name for path in other.folder.iterdir()] == [name]


def test_a_fetched_panel_is_not_fetched_again(machine, panel_bucket):
    name = machine("one").write(panel(2.0))
    other = machine("two")
    other.open(name)
    fsspec.filesystem("s3").rm(f"{panel_bucket}/{name}", recursive=True)
    assert other.open(name).content_hash() == name


def test_a_damaged_object_is_refused_leaves_nothing_and_is_repaired_by_writing_again(machine, panel_bucket):
    one, two = machine("one"), machine("two")
    name = one.write(panel(3.0))
    fsspec.filesystem("s3").pipe_file(f"{panel_bucket}/{name}/close.npy", b"torn")
    with pytest.raises(PanelError, match="materialise price_cache"):
        two.open(name)
    assert list(two.folder.iterdir()) == []
    one.write(panel(3.0))
    assert two.open(name).content_hash() == name


def test_a_panel_that_is_nowhere_and_a_store_that_is_away_say_what_to_do(machine, tmp_path, caplog):
    with pytest.raises(PanelError, match="materialise price_cache"):
        machine("one").open("0" * 64)
    away = PanelStore(tmp_path / "x", "s3://no-such-bucket/panels")
    with pytest.raises(PanelError, match="RISK_PIPELINE_PANEL_STORE"):
        away.write(panel())
    with pytest.raises(PanelError, match="RISK_PIPELINE_PANEL_STORE"):
        away.probe()
    assert away.prune(set()) == 0  # no reason to fail a run
    assert "the panel store can't be pruned" in caplog.text
    machine("one").probe()


def test_a_scheme_whose_package_is_not_there_is_told(tmp_path):
    with pytest.raises(PanelError, match=r"pip install .*s3"):
        PanelStore(tmp_path, "nosuch://bucket/panels").open("0" * 64)


def test_old_panels_are_pruned_here_and_in_the_store_but_not_those_that_may_be_in_use(
    machine, panel_bucket, monkeypatch
):
    one = machine("one")
    names = [one.write(panel(10.0 + number)) for number in range(3)]
    unfinished = "f" * 64
    fsspec.filesystem("s3").pipe_file(f"{panel_bucket}/{unfinished}/close.npy", b"being written")
    assert one.prune({names[2]}) == 0  # all of them are young
    assert machine("two").open(names[0]).content_hash() == names[0]
    monkeypatch.setattr("risk_pipeline.storage.panel_store.IN_USE", timedelta(seconds=-1))
    long_ago = time.time() - 2 * IN_USE.total_seconds()
    os.utime(one.folder / names[0], (long_ago, long_ago))
    assert one.prune({names[1], names[2]}) == 1
    left = {path.rsplit("/", 1)[-1] for path in fsspec.filesystem("s3").ls(panel_bucket, refresh=True)}
    assert left == {names[1], names[2], unfinished}
    assert {path.name for path in one.folder.iterdir()} == {names[1], names[2]}


def test_a_folder_that_machines_share_is_mapped_where_it_is(monkeypatch, tmp_path):
    from risk_pipeline.settings import Settings

    monkeypatch.setenv("RISK_PIPELINE_PANEL_STORE", f"file://{tmp_path}/shared")
    folder, url = Settings().panel_location
    assert (folder, url) == (tmp_path / "shared", None)
    name = PanelStore(folder, url).write(panel())
    assert PanelStore(folder, url).open(name).content_hash() == name


def test_a_symbol_without_prices_changes_no_bit_of_the_others():
    """NumPy adds up a column in another order where rows aren't contiguous."""
    rng = np.random.default_rng(3)
    days = np.datetime64("2025-01-01") + np.arange(400)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (400, 3)), axis=0))
    nothing, one = np.zeros(close.shape), np.ones(close.shape)
    plain = PricePanel(days, ("A", "B", "D"), close, close, close, nothing, one, total_returns(close, nothing, one))
    wider = plain.with_symbols(["C"])
    assert wider.symbols == ("A", "B", "C", "D")
    assert np.isnan(wider.close[:, 2]).all()
    ends = np.array([399])
    before, after = (estimate_volatility(np.asarray(panel.returns), ends) for panel in (plain, wider))
    for name, values in vars(before).items():
        np.testing.assert_array_equal(getattr(after, name)[:, [0, 1, 3]], values, err_msg=name)
