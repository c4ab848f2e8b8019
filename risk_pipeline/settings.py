"""Settings: environment variables with the prefix ``RISK_PIPELINE_``, each with a default that works."""

from __future__ import annotations

import difflib
import os
import sys
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .sessions import SessionCalendar, session_calendar

SOURCES = ("simulated", "files", "yahoo", "tiingo")
"""The built-in sources of market data."""
SOURCE_GROUP = "risk_pipeline.market_sources"
"""The entry points of other packages' sources."""


class MarketSettings(BaseModel):
    """Where prices come from."""

    source: str = Field(
        default="simulated",
        min_length=1,
        description="Where prices come from: `simulated`, `files`, `yahoo`, `tiingo` or an installed source; several "
        "in a row, `yahoo,files`: the next is asked for what the one before lacks.",
    )
    path: Path | None = Field(
        default=None, description="For the source `files`: a Parquet or CSV file, or a folder of them."
    )
    seed: int = Field(default=7, ge=0, description="Of the simulated market: another seed is another market.")

    key: SecretStr | None = Field(default=None, description="A vendor's API token, for `tiingo`; a secret.")

    @property
    def secret(self) -> str | None:
        """Return the vendor's key; never printed."""
        return None if self.key is None else self.key.get_secret_value()

    @property
    def identity(self) -> str:
        """Return what stored prices are remembered by: the source, and of the simulated one its seed.

        Not the path: files move, and a new delivery may have another name.
        """
        return f"simulated with seed {self.seed}" if self.source == "simulated" else self.source

    @property
    def names(self) -> list[str]:
        """Return the sources in their order."""
        return [part.strip() for part in self.source.split(",") if part.strip()]

    @model_validator(mode="after")
    def _sources_exist(self) -> MarketSettings:
        unknown = [name for name in self.names if name not in SOURCES]
        installed = {point.name for point in entry_points(group=SOURCE_GROUP)} if unknown else set()
        if not self.names or not {*unknown} <= installed:
            raise ValueError(
                f"RISK_PIPELINE_MARKET__SOURCE={self.source!r} names no market source: use {', '.join(SOURCES)}, or an "
                f"installed one ({', '.join(sorted(installed)) or 'there is none'})"
            )
        return self

    @model_validator(mode="after")
    def _files_need_a_path(self) -> MarketSettings:
        if "files" in self.names and self.path is None:
            raise ValueError(
                "RISK_PIPELINE_MARKET__SOURCE=files needs RISK_PIPELINE_MARKET__PATH: "
                "a Parquet or CSV file, or a folder of them"
            )
        return self


DEFAULT_HOME = "dagster_home"
ENV_FILE = ".env"
"""Read in the working folder, as Dagster reads it: what is in it counts more than the environment."""


def _environment() -> dict[str, str]:
    """Return the environment with what ``.env`` puts over it, without what is empty."""
    over = dotenv_values(ENV_FILE) if Path(ENV_FILE).is_file() else {}
    return {name: value for name, value in {**os.environ, **over}.items() if value}


PREFIX = "RISK_PIPELINE_"
OTHERS = {"RISK_PIPELINE_BROKER_URL", "RISK_PIPELINE_INSTANCE", "RISK_PIPELINE_TEST_POSTGRES_URL"}
"""Variables with our prefix that Dagster's own files and the tests read."""


def _variables(model: type[BaseModel], prefix: str = PREFIX) -> set[str]:
    """Return the environment variables that set the fields of a model."""
    out = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            out |= _variables(inner, f"{prefix}{name.upper()}__")
        out.add(f"{prefix}{name.upper()}")
    return out


def _default_home() -> Path:
    return Path(_environment().get("DAGSTER_HOME", DEFAULT_HOME))


def dagster_home() -> Path:
    """Return the folder of Dagster's history: ``DAGSTER_HOME``, else the home, where the tables are."""
    names = _environment()
    return Path(names.get("DAGSTER_HOME") or names.get("RISK_PIPELINE_HOME") or DEFAULT_HOME).expanduser().resolve()


def sqlite_url(file: Path | str) -> str:
    """Return the database URL of an SQLite file, whatever signs its path has."""
    return "sqlite:///" + str(file).replace("%", "%25").replace("?", "%3F")


class Settings(BaseSettings):
    """Everything that can be set; `docs/settings.md` is made from the descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
    )

    home: Path = Field(
        default_factory=_default_home,
        description="Folder of tables, panels and pages, and of Dagster's history unless `DAGSTER_HOME` names another. "
        "Default: `DAGSTER_HOME`, else `dagster_home`.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="`postgresql://user:password@host/name` or `sqlite:///path`. Default: SQLite in the home.",
    )
    market: MarketSettings = MarketSettings()
    calendar: str = Field(
        default="XNYS",
        description="Exchange, by its ISO 10383 code; one whose calendar can't be made is refused by name.",
    )
    proxy_calendar: str = Field(
        default="XNYS",
        description="Exchange of the factor proxies. Where it is closed and `calendar` is open, a session is analysed "
        "without their prices.",
    )
    first_session: date | None = Field(
        default=None,
        description="The first partition. Set it to backfill sessions before the first inception. Default: the "
        "first inception of a portfolio, 2015-01-02 while there is none.",
    )
    scenarios_path: Path | None = Field(
        default=None,
        description="Own stress scenarios in YAML, like `risk_pipeline/config/scenarios.yaml`. They come beside the "
        "shipped ones; a `rates_conversion` there replaces the shipped one.",
    )
    risk_free_rate: float = Field(
        default=0.02,
        ge=-0.1,
        le=0.5,
        description="A year, continuous; values options where `RISK_PIPELINE_RISK_FREE_SYMBOL` has no price.",
    )
    risk_free_symbol: str | None = Field(
        default=None,
        description="A symbol of the source whose close is a 13-week bill's discount in per cent, such as `^IRX`: the "
        "risk-free rate by date.",
    )
    option_quote_age: int = Field(
        default=5,
        ge=0,
        le=252,
        description="How many sessions old the mark or quote of an option may be before a check warns.",
    )
    reporting_currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="The ISO 4217 code of the currency, such as `EUR`, in which the overview adds up portfolios of "
        "several. Each portfolio's own numbers stay in its own. Default: they are not added up.",
    )
    schedule_enabled: bool = Field(default=False, description="Whether the evening schedule runs from the start.")
    alert_webhook: SecretStr | None = Field(
        default=None,
        description="A URL that is sent JSON when a run fails, or when an evening is incomplete after its last try. "
        "The log has it in any case.",
    )
    catch_up_sessions: int = Field(default=60, ge=1, le=2000, description="How many sessions catching up looks back.")
    ready: Literal["after_close", "next_morning"] = Field(
        default="after_close",
        description="When the schedule runs a session: hours `after_close`, or the `next_morning` from 6:30 on in the "
        "time zone of the exchange.",
    )
    look_again: int = Field(
        default=10,
        ge=1,
        le=250,
        description="How many sessions up to its last a run asks the source for again, to see corrected prices.",
    )
    stale_sessions: int = Field(
        default=60,
        ge=0,
        le=5000,
        description="How many sessions whose book, prices or registries have changed since are computed again at once, "
        "oldest first.",
    )
    explained_share_warning: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="A check warns when the factors and all else that has a name explain less than this share of the "
        "variance of a portfolio's P&L over 63 sessions, unless its factor model expects less.",
    )
    group_may_read: bool = Field(
        default=False,
        description="Whether the group of the user that runs the batch may read the database, panels and pages, as a "
        "web server for the pages must; else they are their owner's alone. A member of the group then uses every "
        "command that only reads, and `risk_pipeline.read`.",
    )
    panels_kept: int = Field(default=20, ge=1, description="Price panels kept, beside those of the last six hours.")
    panel_store: SecretStr | None = Field(
        default=None,
        description="Where price panels are kept: a folder, or an fsspec URL such as `s3://bucket/panels` that several "
        "machines share. Default: the home.",
    )
    backfill_chunk: int | None = Field(
        default=None,
        ge=1,
        description="Sessions per run of a backfill from the UI, for several workers. Default: one run.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let ``.env`` override the environment: Dagster does, and both must find the same database."""
        if not Path(ENV_FILE).is_file():
            return init_settings, env_settings
        return init_settings, dotenv_settings, env_settings

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_variable(cls, values: Any) -> Any:
        """Refuse a variable with our prefix that is no setting: a misspelt one would be ignored in silence."""
        known = _variables(cls)
        for name in sorted(_environment()):
            if name.upper().startswith(PREFIX) and name.upper() not in known | OTHERS:
                near = difflib.get_close_matches(name.upper(), sorted(known | OTHERS), 1, 0.0)[0]
                raise ValueError(f"there is no setting {name}; the nearest is {near}: correct or unset the variable")
        return values

    @field_validator("home", mode="after")
    @classmethod
    def _without_tilde(cls, home: Path) -> Path:
        return home.expanduser()

    @property
    def url(self) -> str:
        """Return the database URL; it may hold a password, so it is never printed."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return sqlite_url(self.home.resolve() / "risk.db")

    @property
    def panel_location(self) -> tuple[Path, str | None]:
        """Return the folder of price panels and, if machines share a store that is no folder, its URL.

        A ``file://`` URL or a path is a folder that is mapped where it is; anything else has its cache in the home.
        """
        url = None if self.panel_store is None else self.panel_store.get_secret_value()
        if url is not None and ("://" not in url or url.startswith("file://")):
            return Path(url.removeprefix("file://")).resolve(), None
        return self.home.resolve() / "panels", url

    @property
    def sessions(self) -> SessionCalendar:
        """Return the calendar of the exchange."""
        return session_calendar(self.calendar, home=self.home.resolve())

    @property
    def proxy_sessions(self) -> SessionCalendar:
        """Return the calendar of the factor proxies' exchange."""
        return session_calendar(self.proxy_calendar, home=self.home.resolve())

    @property
    def umask(self) -> int:
        """Return the permissions that files of ours don't have."""
        return 0o027 if self.group_may_read else 0o077

    @property
    def report_folder(self) -> Path:
        """Return where risk pages are written."""
        return self.home.resolve() / "reports"


def settings_page() -> str:
    """Return ``docs/settings.md``: every environment variable, its default and its meaning."""
    lines = [
        "# Settings",
        "",
        "Environment variables, each with a default that works. An empty variable counts as not set. A file `.env` in",
        "the working folder counts more than the environment, for `risk-pipeline` as for Dagster's own commands.",
        "Generated by `python -m risk_pipeline.settings > docs/settings.md`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    prefix = Settings.model_config["env_prefix"]
    for name, field in Settings.model_fields.items():
        if name == "market":
            lines += [_row(f"{prefix}MARKET__{key.upper()}", f) for key, f in MarketSettings.model_fields.items()]
        else:
            lines.append(_row(prefix + name.upper(), field))
    return "\n".join(lines) + "\n"


def _row(variable: str, field: FieldInfo) -> str:
    has_default = field.default is not None and field.default_factory is None
    default = f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"
    return f"| `{variable}` | {default if has_default else '–'} | {field.description} |"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
