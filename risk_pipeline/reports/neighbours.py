"""Links from a page to those of the sessions before and after, true in whatever order pages are written or removed.

Each page has a slot of one width for them. Who writes or removes the pages of some sessions fills the slots of these
and of the sessions beside them anew, from which pages there are. The slot is overwritten in place: a page that another
process replaces meanwhile is another file, which has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from ..storage.report_queries import sessions_around

if TYPE_CHECKING:
    import sqlalchemy as sa

OPEN, CLOSE = b"<!--beside-->", b"<!--/beside-->"
WORDS = ("Session before", "Session after")
Beside = tuple[date | None, date | None]


def slot(folder: Path, page: Path, beside: Beside) -> Markup:
    """Return the slot of a page: links to the same page of the sessions beside its own, padded with blanks."""
    links = [_link(folder, page, day, words) for day, words in zip(beside, WORDS, strict=True)]
    both = sum(len(_anchor(folder, page, date.min, words)) for words in WORDS)
    text = "".join(links).ljust(both)
    return Markup(f"{OPEN.decode()}{text}{CLOSE.decode()}")  # noqa: S704 (dates and safe file names)


def sessions_beside(session: date, known: Sequence[date]) -> Beside:
    """Return the session before one and that after it, of those that are known, in order."""
    return max((day for day in known if day < session), default=None), next((d for d in known if d > session), None)


def link_sessions(engine: sa.Engine, folder: Path, first: date, last: date) -> None:
    """Fill the slots of all pages from the session before ``first`` to that after ``last``."""
    known = sessions_around(engine, first, last, 2)
    before, _ = sessions_beside(first, known)
    _, after = sessions_beside(last, known)
    for session in known:
        if (before or first) <= session <= (after or last):
            two = sessions_beside(session, known)
            for page in (folder / f"{session}.html", *(folder / str(session)).glob("*.html")):
                _fill(folder, page, two)


def _fill(folder: Path, page: Path, beside: Beside) -> None:
    """Overwrite the slot of a page if it says something else; a page without one is left alone."""
    with suppress(FileNotFoundError, PermissionError), page.open("r+b", buffering=0) as file:
        text = file.read()
        start, stop = text.find(OPEN), text.find(CLOSE)
        new = slot(folder, page, beside).encode()
        if 0 <= start < stop and len(new) == stop + len(CLOSE) - start and text[start : start + len(new)] != new:
            file.seek(start)
            file.write(new)


def _link(folder: Path, page: Path, session: date | None, words: str) -> str:
    there = session is not None and _beside(folder, page, session).exists()
    return _anchor(folder, page, session, words) if session and there else ""


def _anchor(folder: Path, page: Path, session: date, words: str) -> str:
    up = "" if page.parent == folder else "../"
    href = up + _beside(folder, page, session).relative_to(folder).as_posix()
    return f'<span><a href="{href}">{words}, {session}</a></span>'


def _beside(folder: Path, page: Path, session: date) -> Path:
    """Return where the same page of another session is: the overview, or that of the portfolio."""
    return folder / f"{session}.html" if page.parent == folder else folder / str(session) / page.name
