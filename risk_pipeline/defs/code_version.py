"""Which code made a row: recorded on each materialisation."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


@lru_cache
def code_version() -> str:
    """Return a hash of the package's code and registries: what made a row can always be told."""
    return code_on_disk()


def code_on_disk() -> str:
    """Return the hash of the code as it is now; :func:`code_version` is that of this process's beginning."""
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.yaml")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
