"""The error of a registry file: it names the file, the entry, the field and the remedy."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


class ConfigError(ValueError):
    """A registry file that can't be used as it is."""

    def __init__(self, path: Path, entry: str, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{path.name}: {entry}, field {field!r}: {problem}; {remedy}")


def read_yaml(path: Path, *, limit: int = 1_000_000) -> dict[str, object]:
    """Return a YAML mapping, read safely; a file over ``limit`` bytes is refused.

    Raises
    ------
    ConfigError
        If the file is missing, too large, not YAML, not a mapping, or gives one key twice.
    """
    if not path.is_file():
        raise ConfigError(path, "file", "path", "there is no such file", "check RISK_PIPELINE_SCENARIOS_PATH")
    if path.stat().st_size > limit:
        raise ConfigError(path, "file", "size", f"is over {limit:,} bytes", "split or shorten it")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _loader())  # noqa: S506 (a safe loader)
    except _RepeatedKeyError as error:
        raise ConfigError(path, f"line {error.line}", error.key, "is given twice", "keep one of them") from None
    except RecursionError:
        raise ConfigError(path, "file", "syntax", "is nested too deeply", "write plain lists and mappings") from None
    except (yaml.YAMLError, ValueError) as error:  # a date or a number that can't be, bytes that are no text
        raise ConfigError(path, "file", "syntax", f"is not YAML ({error})", "correct the syntax") from None
    if not isinstance(content, dict):
        raise ConfigError(path, "file", "syntax", "is not a mapping", "start it with a key such as `scenarios:`")
    return content


class _RepeatedKeyError(ValueError):
    """YAML would silently take the last of the values."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key, self.line = key, line


@lru_cache
def _loader() -> Any:
    """Return YAML's safe loader, which refuses a mapping that repeats a key."""

    class StrictLoader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if not isinstance(key.value, str):
                    continue
                if key.value in seen:
                    raise _RepeatedKeyError(key.value, key.start_mark.line + 1)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return StrictLoader
