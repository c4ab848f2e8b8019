"""Stored fingerprints against those of the present inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .catch_up import Fingerprints, as_text

BOOK, PRICES, NEW, GONE = "book", "prices", "new", "closed or removed"
REGISTRY, CODE, INPUTS = "registry", "code", "inputs"


def stale_assets(
    expected: Fingerprints, stored: pd.DataFrame, registry: str, code: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return ``session, asset, why`` of the stored rows that were made from other inputs than the present ones.

    ``stored`` are rows of ``session_inputs`` of the sessions of ``expected``. ``why`` is ``inputs``, ``registry`` or,
    only where ``code`` gives the present code versions by asset, ``code``; the first that holds.
    """
    days = expected.sessions.astype("datetime64[s]")
    present = pd.concat(
        pd.DataFrame({"session": days, "asset": asset, "present": as_text(expected.of_asset(asset))})
        for asset in stored["asset"].unique()
    )
    rows = stored.merge(present, on=["session", "asset"], how="inner")
    why = np.full(len(rows), None, dtype=object)
    if code is not None:
        current_version = rows["asset"].map(dict(code))
        why[(current_version.notna() & (current_version != rows["code_version"])).to_numpy()] = CODE
    why[(rows["registry"] != registry).to_numpy()] = REGISTRY
    why[(rows["fingerprint"] != rows["present"]).to_numpy()] = INPUTS
    return rows.assign(why=why).dropna(subset="why")[["session", "asset", "why"]].reset_index(drop=True)


def stale_portfolios(expected: Fingerprints, stored: pd.DataFrame) -> pd.DataFrame:
    """Return ``session, portfolio_id, why`` of the portfolios whose inputs are not those of the stored results.

    ``stored`` are rows of ``portfolio_inputs`` of the sessions of ``expected``. ``why`` is ``book``, ``prices``,
    ``new`` (it has no results of a session that has some) or ``closed or removed``.
    """
    key = ["session", "portfolio_id"]
    both = expected.rows().merge(stored, on=key, how="outer", suffixes=("", "_stored"))
    why = np.full(len(both), None, dtype=object)
    why[(both["revision"] != both["revision_stored"]).to_numpy()] = PRICES
    why[(both["book"] != both["book_stored"]).to_numpy()] = BOOK
    why[both["book_stored"].isna().to_numpy()] = NEW
    why[both["book"].isna().to_numpy()] = GONE
    return both.assign(why=why).dropna(subset="why")[[*key, "why"]].reset_index(drop=True)
