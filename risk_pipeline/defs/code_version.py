"""The code version of an asset: it changes with the code that its numbers come from, and with nothing else."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
IMPORT = re.compile(r"^\s*from (\.*)([\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
"""Dots, module and names of an import; parsing whole modules took eight times as long at each start."""
ROOMS = ("analytics", "config", "currencies", "market", "reports", "risk", "symbols")
"""Rooms whose modules make numbers or pages; a change of storage or of Dagster's part is no new number."""


@cache
def code_version(*files: str) -> str:
    """Return a hash of some files of the package and of all that they import from :data:`ROOMS`.

    Parameters
    ----------
    files : paths in the package, such as ``risk/stress.py`` or ``config/scenarios.yaml``; a folder is all in it.
    """
    paths = {path for name in files for path in _files(PACKAGE / name)}
    todo = [path for path in paths if path.suffix == ".py"]
    while todo:
        for imported in _imports(todo.pop()):
            if imported not in paths:
                paths.add(imported)
                todo.append(imported)
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(_named(path))
    return digest.hexdigest()[:12]


def with_file(version: str, path: Path | None) -> str:
    """Return a version that changes with a file of the user's too."""
    if path is None or not path.is_file():  # one that is missing fails the run and says so
        return version
    return f"{version}-{hashlib.sha256(path.read_bytes()).hexdigest()[:6]}"


def package_version() -> str:
    """Return a hash of everything that makes numbers and pages."""
    return code_version(*ROOMS)


def _files(path: Path) -> list[Path]:
    """Return a file, or the files of a folder that make numbers or pages."""
    if path.is_file():
        return [path]
    return [inside for inside in path.rglob("*") if inside.is_file() and "__pycache__" not in inside.parts]


@cache
def _named(path: Path) -> bytes:
    """Return a file's name and content, which the versions of most assets hold."""
    return path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes()


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Return the modules of :data:`ROOMS` that a module imports, anywhere in it."""
    return tuple(
        imported
        for dots, module, names in IMPORT.findall(path.read_text(encoding="utf-8"))
        for name in _modules(len(dots), module, re.findall(r"\w+", re.sub(r"#.*| as \w+", "", names)), path)
        if name[:1] and name[0] in ROOMS and (imported := _module(name)) is not None
    )


@cache
def _module(name: tuple[str, ...]) -> Path | None:
    """Return the file of a module or package; None of any other name."""
    path = os.path.join(PACKAGE, *name)
    return next((Path(file) for file in (f"{path}.py", f"{path}/__init__.py") if os.path.isfile(file)), None)


def _modules(level: int, module: str, names: list[str], path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the module that an import names, and each name in it, which may be a module too."""
    parts = tuple(module.split(".")) if module else ()
    if level:
        inside = path.relative_to(PACKAGE).parent.parts
        parts = inside[: len(inside) - level + 1] + parts
    elif parts[:1] == (PACKAGE.name,):
        parts = parts[1:]
    else:
        return
    yield parts
    for name in names:
        yield (*parts, name)
