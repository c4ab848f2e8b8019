"""Where the risk pages are: known without what writes them, which takes time to load."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

from ..settings import Settings


def page_path(session: date, portfolio: str | None = None, folder: Path | None = None) -> Path:
    """Return where the overview of a session is, or the page of one of its portfolios."""
    folder = folder or Settings().report_folder
    return folder / f"{session}.html" if portfolio is None else folder / str(session) / file_name(portfolio)


def index_path() -> Path:
    """Return where the index of sessions is."""
    return Settings().report_folder / "index.html"


def file_name(portfolio: str) -> str:
    """Return a file name that any portfolio id may have, and no two share."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", portfolio.lower())
    if plain == portfolio:
        return f"{plain}.html"
    return f"{plain.strip('-')}-{hashlib.sha256(portfolio.encode()).hexdigest()[:8]}.html"
