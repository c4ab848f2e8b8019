"""The risk pages: one self-contained HTML file per portfolio, an overview per session, an index of sessions.

Under the report folder stand ``index.html``, ``<session>.html`` (the overview) and
``<session>/<portfolio>.html``. Each file is put in place all at once, a session's overview after its portfolios.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import date
from functools import cache
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from ..settings import Settings
from ..storage.queries import portfolios
from ..storage.report_queries import session_totals
from .formatting import FORMS, MINUS, NOTHING, money, number, percent, short_money, signed_money
from .narrative import long_date, plain_words, reason
from .neighbours import link_sessions, slot
from .overview import overview
from .page_paths import file_name, index_path, page_path
from .page_rows import YEAR, PageRows, PortfolioDay, Provenance, SessionDay, read_page_rows
from .refusals import Refusal
from .sections import SECTIONS

if TYPE_CHECKING:
    import sqlalchemy as sa

Stage = Callable[[str], AbstractContextManager[None]]
UNFINISHED, LEFT_BEHIND = ".writing", 3600
"""Ending of a page that is being written, and the seconds after which it was left by a killed process."""
TEMPLATES = Path(__file__).parent / "templates"


def write_sessions(
    engine: sa.Engine, sessions: Sequence[date], provenance: Provenance, stage: Stage = lambda _: nullcontext()
) -> list[Path]:
    """Write the pages of consecutive sessions from stored rows, and the index anew; return the overviews.

    Pages of the sessions beside them get their links to these.

    ``stage`` may time the stages ``read`` and ``render``.
    """
    pages = []
    if sessions:
        with stage("read"):
            history_from = Settings().sessions.look_back_from(sessions[0], YEAR)
            rows = read_page_rows(engine, sessions, provenance, history_from)
        with stage("render"):
            pages = write_pages(rows)
            link_sessions(engine, Settings().report_folder, sessions[0], sessions[-1])
    write_index(engine)
    return pages


def write_pages(rows: PageRows) -> list[Path]:
    """Write the pages of a block of sessions; return the overviews."""
    settings = Settings()
    folder, umask, written = settings.report_folder, settings.umask, []
    for day in rows.sessions():
        for portfolio in day.portfolios:
            put(page_path(day.session, portfolio.id, folder), portfolio_page(portfolio, folder), umask)
        for refusal in day.refusals:
            put(page_path(day.session, refusal.id, folder), refusal_page(day, refusal, folder), umask)
        remove_others(day, folder)
        path = page_path(day.session, folder=folder)
        put(path, overview_page(day, folder), umask)
        written.append(path)
    return written


def put(path: Path, text: str, umask: int) -> None:
    """Put a file in place all at once, without the permissions of ``umask``: a reader sees the old one or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, 0o666 & ~umask)
        os.replace(scratch, path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def remove_pages(engine: sa.Engine, sessions: Sequence[date]) -> None:
    """Remove the pages of consecutive sessions, whose numbers are no longer the database's, and the links to them."""
    folder = Settings().report_folder
    for session in sessions:
        pages = page_path(session, "any", folder).parent
        page_path(session, folder=folder).unlink(missing_ok=True)
        for path in (*pages.glob("*.html"), *pages.glob(f"*{UNFINISHED}")):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # there is none, or somebody keeps a file of their own in it
            pages.rmdir()
    if sessions:
        link_sessions(engine, folder, sessions[0], sessions[-1])


def remove_others(day: SessionDay, folder: Path) -> None:
    """Remove pages of portfolios that the session no longer has, and what a killed process left half-written."""
    kept = {file_name(name) for name in (*(one.id for one in day.portfolios), *(one.id for one in day.refusals))}
    pages = page_path(day.session, "any", folder).parent
    for path in pages.glob("*.html"):
        if path.name not in kept:
            path.unlink()
    now = max((path.stat().st_mtime for path in pages.glob("*.html")), default=0.0)
    for path in (*pages.glob(f"*{UNFINISHED}"), *pages.parent.glob(f"*{UNFINISHED}")):
        if now - path.stat().st_mtime > LEFT_BEHIND:
            path.unlink(missing_ok=True)


def portfolio_page(day: PortfolioDay, folder: Path) -> str:
    """Return the page of a portfolio; it links to pages that are in the folder."""
    built = [(section, section.build(day)) for section in SECTIONS]
    return render(
        "portfolio.html.j2",
        day=day,
        snapshot=day.snapshot,
        sections=[(section, content) for section, content in built if content is not None],
        beside=slot(folder, page_path(day.session, day.id, folder), day.beside),
        title=f"{day.portfolio['name']}, {day.session}",
        home="../",
    )


def refusal_page(day: SessionDay, refusal: Refusal, folder: Path) -> str:
    """Return the page of a portfolio that could not be valued: why, and what to do."""
    return render(
        "refused.html.j2",
        day=day,
        refusal=refusal,
        last=day.last_values.get(refusal.id),
        beside=slot(folder, page_path(day.session, refusal.id, folder), day.beside),
        title=f"{refusal.name}, {day.session}: not valued",
        home="../",
    )


def overview_page(day: SessionDay, folder: Path) -> str:
    """Return the page that compares all portfolios of a session; it links to pages that are in the folder."""
    return render(
        "overview.html.j2",
        day=day,
        **overview(day, file_name, Settings().reporting_currency),
        beside=slot(folder, page_path(day.session, folder=folder), day.beside),
        title=f"Portfolio risk, {day.session}",
        home="",
    )


def write_index(engine: sa.Engine) -> Path:
    """Write the index of all sessions, by year and month, and of the portfolios of the latest one with a page."""
    folder = Settings().report_folder
    years: dict[int, dict[str, list[dict[str, Any]]]] = {}
    latest: date | None = None
    for row in session_totals(engine).to_dict("records"):
        session = row["session"].date()
        has_page = page_path(session, folder=folder).exists()
        latest = latest or (session if has_page else None)
        day = {**row, "session": session, "has_page": has_page}
        years.setdefault(session.year, {}).setdefault(f"{session:%B}", []).append(day)
    names = [] if latest is None else portfolios(engine)[["portfolio_id", "name"]].to_dict("records")
    pages = [(row["name"], page_path(latest, row["portfolio_id"], folder)) for row in names if latest]
    pages_found = [{"name": name, "href": path.relative_to(folder).as_posix()} for name, path in pages if path.exists()]
    without = any(not day["has_page"] for months in years.values() for days in months.values() for day in days)
    content = {"years": years, "latest": latest, "portfolios": pages_found, "without": without, "title": "Risk pages"}
    put(index_path(), render("index.html.j2", **content), Settings().umask)
    return index_path()


def value_tag(value: float | None, form: str, key: str = "") -> Markup:
    """Return a number as the page shows it, with its value for scripts and where it comes from.

    ``key`` is ``table.column`` or ``table.column:row``; the session and the portfolio are the page's.
    """
    if value is None or isnan(value):
        return Markup(f'<span class="no" aria-label="not available">{NOTHING}</span>')  # noqa: S704
    text = FORMS[form](value)
    source = f' data-k="{escape(key)}"' if key else ""
    nothing = ' class="z"' if value < 0 and not text.startswith(MINUS) else ""  # what rounds to nothing is no loss
    return Markup(f'<data value="{value:.9g}"{source}{nothing}>{text}</data>')  # noqa: S704 (digits, and escaped)


def render(template: str, **content: Any) -> str:
    """Return a template filled in."""
    return _environment().get_template(template).render(**content)


class KeptTemplates(FileSystemBytecodeCache):
    """Templates as Python's code beside their texts, as Python keeps modules; compiling them takes a fifth of a second.

    What is kept knows the text that it was made from. Where nothing can be written, each process compiles its own.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a template, if it is kept."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)


@cache
def _environment() -> Environment:

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=KeptTemplates(str(TEMPLATES / "__pycache__")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
    )
    helpers: dict[str, Callable[..., Any] | Markup] = {
        "n": value_tag,
        "long_date": long_date,
        "reason": reason,
        "file_name": file_name,
        "style": Markup(_packed("style.css")),  # noqa: S704 (our own files)
        "script": Markup(_packed("page.js")),  # noqa: S704
    }
    environment.globals.update(helpers)
    environment.filters.update(
        money=money, gain=signed_money, number=number, percent=percent, short=short_money, words=plain_words
    )
    return environment


def _packed(name: str) -> str:
    """Return a file of ours without the indentation of its lines; a style sheet without the blanks around its marks."""
    lines = (TEMPLATES / name).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.strip() for line in lines if line.strip())
    if name.endswith(".css"):
        text = re.sub(r"\s*([{};,])\s*", r"\1", text).replace(";}", "}").replace(": ", ":")
    return text
