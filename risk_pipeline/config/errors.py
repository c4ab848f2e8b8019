"""The error of a registry file: it names the file, the entry, the field and the remedy."""

from __future__ import annotations

from pathlib import Path


class ConfigError(ValueError):
    """A registry file that can't be used as it is."""

    def __init__(self, path: Path, entry: str, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{path.name}: {entry}, field {field!r}: {problem}; {remedy}")


def read_yaml(path: Path, *, limit: int = 1_000_000) -> dict[str, object]:
    """Return a YAML mapping, read safely; a file over ``limit`` bytes is refused.

    Raises
    ------
    ConfigError
        If the file is missing, too large, not YAML or not a mapping.
    """
    import yaml

    if not path.is_file():
        raise ConfigError(path, "file", "path", "there is no such file", "check the path in the setting")
    if path.stat().st_size > limit:
        raise ConfigError(path, "file", "size", f"is over {limit:,} bytes", "split or shorten it")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, "file", "syntax", f"is not YAML ({error})", "mend the syntax") from None
    if not isinstance(content, dict):
        raise ConfigError(path, "file", "syntax", "is not a mapping", "start it with a key such as `scenarios:`")
    return content
