"""What it costs to know what results were made from: fingerprints, and asking what is stale.

``python -m benchmarks.staleness`` prints seconds of one core; nothing but a temporary SQLite database is written.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import date
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios
from risk_pipeline.risk.catch_up import Reach, as_text, fingerprints, registry_hash, timeline
from risk_pipeline.risk.inputs import BookFrames
from risk_pipeline.risk.staleness import stale_assets
from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage import result_inputs, tables
from risk_pipeline.storage.database import insert_rows, migrate, open_engine, transaction

ASSETS = ("factor_exposures", "stress_tests", "volatility", "portfolio_snapshots")


class Registries:
    """Both registries as they are shipped."""

    factors = load_factors()
    scenarios = load_scenarios(factors)


def book(portfolios: int, lots: int, symbols: int, days: np.ndarray) -> BookFrames:
    """Return a made-up book: lots entered and sold all along."""
    random = np.random.default_rng(7)
    count = portfolios * lots
    entry = random.integers(0, len(days), count)
    out = np.minimum(entry + random.integers(20, 500, count), len(days) - 1)
    stamps = days.astype("datetime64[s]")
    frame = pd.DataFrame(
        {
            "position_id": [f"l{n}" for n in range(count)],
            "portfolio_id": np.repeat([f"p{n:05d}" for n in range(portfolios)], lots),
            "symbol": [f"S{n}" for n in random.integers(0, symbols, count)],
            "investment_class": "PUBLIC",
            "quantity": random.normal(0, 100, count),
            "entry_date": stamps[entry],
            "entry_price": random.uniform(10, 200, count),
            "exit_date": pd.Series(stamps[out]).where(out < len(days) - 1),
            "exit_price": np.nan,
            "underlying": None,
            "is_deleted": False,
            "currency": None,
        }
    )
    accounts = pd.DataFrame(
        {
            "portfolio_id": [f"p{n:05d}" for n in range(portfolios)],
            "name": "x",
            "currency": "USD",
            "inception_date": stamps[0],
            "closed_date": pd.Series([pd.NaT] * portfolios, dtype="datetime64[s]"),
            "starting_equity": 1e6,
        }
    )
    flows = pd.DataFrame({"portfolio_id": ["p00000"], "flow_date": [stamps[0]], "amount": [1.0]})
    marks = pd.DataFrame({"symbol": ["F"], "mark_date": [stamps[0]], "price": [1.0]})
    quotes = pd.DataFrame({"symbol": ["S0"], "currency": ["USD"], "basis": ["as_traded"]})
    return BookFrames(accounts, frame, flows, marks, pd.DataFrame(), quotes)


def revisions(count: int, symbols: int, days: np.ndarray) -> pd.DataFrame:
    """Return corrections of one session each, and one new base in ten."""
    random = np.random.default_rng(8)
    last = random.integers(0, len(days), count)
    first = np.where(np.arange(count) % 10 == 0, 0, last)
    return pd.DataFrame(
        {
            "revision": np.arange(1, count + 1),
            "kind": "price",
            "symbol": [f"S{n}" for n in random.integers(0, symbols, count)],
            "first_session": days[first].astype("datetime64[s]"),
            "last_session": days[last].astype("datetime64[s]"),
        }
    )


def measure(sessions: int, portfolios: int, lots: int = 50, symbols: int = 2_000, changes: int = 1_000) -> None:
    """Print what fingerprints and the question cost over a range."""
    calendar = session_calendar("XNYS", date(2015, 1, 2)).sessions_in_range(date(2000, 1, 3), date(2026, 11, 27))
    days = calendar[-sessions:]
    frames, changed = book(portfolios, lots, symbols, days), revisions(changes, symbols, days)
    reach, registry = Reach.of(Registries(), calendar), registry_hash(Registries(), 0.02)
    began = process_time()
    events = timeline(frames)
    turned = process_time()
    prints = fingerprints(events, changed, reach, days)
    roots = as_text(prints.of_sessions)
    done = process_time()
    print(f"{sessions:,} sessions x {portfolios:,} portfolios, {len(frames.lots):,} lots, {changes:,} revisions")
    print(f"  fingerprints: {done - began:.2f} s ({turned - began:.2f} s of them the book as events)")
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'risk.db'}")
        migrate(engine)
        rows = [
            pd.DataFrame(
                {
                    "session": days.astype("datetime64[s]"),
                    "asset": asset,
                    "fingerprint": roots,
                    "registry": registry,
                    "code_version": "c",
                    "book_version": 1,
                    "made_at": pd.Series(pd.NaT, index=range(len(days)), dtype="datetime64[us]"),
                }
            )
            for asset in ASSETS
        ]
        with transaction(engine) as connection:
            insert_rows(connection, tables.session_inputs, pd.concat(rows))
        began = process_time()
        stored = result_inputs.session_fingerprints(engine, days[0].item(), days[-1].item())
        present = fingerprints(timeline(frames), changed, reach, days)
        stale = stale_assets(present, stored, registry)
        print(f"  what is stale: {process_time() - began:.2f} s, {len(stale)} rows found")
        engine.dispose()


def main() -> None:
    """Measure a backfill's fingerprints and ten years' question, or sizes of your own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int)
    parser.add_argument("--portfolios", type=int, default=1_000)
    wanted = parser.parse_args()
    for sessions in [wanted.sessions] if wanted.sessions else [87, 2_500]:
        measure(sessions, wanted.portfolios)


if __name__ == "__main__":
    main()
