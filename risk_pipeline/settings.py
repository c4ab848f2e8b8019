"""Settings: environment variables with the prefix ``RISK_PIPELINE_``, each with a default that works."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .sessions import SessionCalendar, session_calendar


class MarketSettings(BaseModel):
    """Where prices come from."""

    source: Literal["simulated", "files", "yahoo"] = "simulated"
    path: Path | None = None
    seed: int = Field(default=7, ge=0)

    @model_validator(mode="after")
    def _files_need_a_path(self) -> MarketSettings:
        if self.source == "files" and self.path is None:
            raise ValueError(
                "RISK_PIPELINE_MARKET__SOURCE=files needs RISK_PIPELINE_MARKET__PATH: "
                "a Parquet or CSV file, or a folder of them"
            )
        return self


def _default_home() -> Path:
    return Path(os.environ.get("DAGSTER_HOME", "dagster_home"))


class Settings(BaseSettings):
    """Everything that can be set; the README's table says the same."""

    model_config = SettingsConfigDict(
        env_prefix="RISK_PIPELINE_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Field(default_factory=_default_home)
    database_url: SecretStr | None = None
    market: MarketSettings = MarketSettings()
    calendar: str = "XNYS"
    first_session: date = date(2015, 1, 2)
    scenarios_path: Path | None = None
    risk_free_rate: float = Field(default=0.02, ge=-0.1, le=0.5)
    schedule_enabled: bool = False
    alert_webhook: SecretStr | None = None
    catch_up_sessions: int = Field(default=60, ge=1, le=2000)
    panels_kept: int = Field(default=20, ge=1)
    panel_store: SecretStr | None = None
    backfill_chunk: int | None = Field(default=None, ge=1)

    @property
    def url(self) -> str:
        """Return the database URL; it may hold a password, so it is never printed."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home.resolve() / 'risk.db'}"

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
    def report_folder(self) -> Path:
        """Return where risk pages are written."""
        return self.home.resolve() / "reports"

    @property
    def sessions(self) -> SessionCalendar:
        """Return the exchange's calendar."""
        return session_calendar(self.calendar, self.first_session)
