"""Everything the pages of some sessions show, read at once and handed out by session and portfolio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..config.factors import load_factors
from ..risk.scorecards import BACKTESTED, SCORED, newest, value_at_risk_record, volatility_record
from ..storage.report_queries import ReportRows, previous_sessions, report_rows, sessions_around
from .explained import PnlExplained, pnl_explained
from .freshness import Freshness
from .neighbours import Beside, sessions_beside
from .page_positions import positions_by_name
from .quarantine import Quarantined, without_betas
from .refusals import Refusal, refusals_of

if TYPE_CHECKING:
    import sqlalchemy as sa

YEAR = 252
Row = dict[str, Any]


@dataclass(frozen=True)
class CheckResult:
    """One asset check of the run that wrote the page."""

    asset: str
    name: str
    passed: bool
    blocking: bool
    description: str


@dataclass(frozen=True)
class Provenance:
    """What made the page: the code, the checks that had run by then, and what is stale."""

    code_version: str
    checks: Sequence[CheckResult] = ()
    freshness: Freshness = field(default_factory=Freshness)


@dataclass(frozen=True)
class PortfolioDay:
    """One portfolio on one session; rows are as the tables hold them, lists in the order of their keys."""

    session: date
    previous_session: date | None
    portfolio: Row
    snapshot: Row
    previous: Row | None
    volatility: Row | None
    exposures: list[Row]
    stress: list[Row]
    impacts: dict[str, list[Row]]
    sectors: list[Row]
    currencies: list[Row]
    positions: list[Row]
    options: list[Row]
    option_grid: Row | None
    gains: Mapping[tuple[str, str], float]
    changes: Mapping[str, Row]
    limits: list[Row]
    skips: list[Row]
    history: pd.DataFrame
    scores: pd.DataFrame
    outcomes: pd.DataFrame
    forecast_record: Row | None
    tail_record: Row | None
    replays: dict[str, list[float]]
    explained: PnlExplained | None
    proxies: Mapping[str, float]
    plausibility: Mapping[str, Row]
    scenarios: Mapping[str, Row]
    coverage: Mapping[str, Row]
    restatements: Sequence[Row]
    panel: Row | None
    provenance: Provenance
    without_betas: Quarantined | None = None
    benchmark: Row | None = None
    active: Sequence[Row] = ()
    correlations: Sequence[Row] = ()
    beside: Beside = (None, None)

    @property
    def freshness(self) -> str:
        """Whether these numbers, and those of the history shown, were made from the present inputs."""
        first = self.session if self.history.empty else self.history["session"].iloc[0].date()
        return self.provenance.freshness.of_portfolio(self.session, self.id, first)

    @property
    def id(self) -> str:
        """The portfolio's id."""
        return str(self.portfolio["portfolio_id"])

    @property
    def currency(self) -> str:
        """The portfolio's currency."""
        return str(self.portfolio["currency"])


@dataclass(frozen=True)
class SessionDay:
    """One session: its portfolios in the order of their ids, and those that could not be valued.

    ``pairs`` are the closes of currency pairs, by symbol; ``last_values`` by portfolio that could not be valued its
    latest session with a NAV in the year before, and that NAV. ``beside`` are the sessions before and after that have
    a page or may get one.
    """

    session: date
    previous_session: date | None
    portfolios: list[PortfolioDay]
    proxies: Mapping[str, float]
    provenance: Provenance
    refusals: Sequence[Refusal] = ()
    last_values: Mapping[str, tuple[date, float]] = field(default_factory=dict)
    pairs: Mapping[str, float] = field(default_factory=dict)
    beside: Beside = (None, None)


@dataclass(frozen=True)
class Records:
    """Rows over time by portfolio: a frame in the order of sessions and its sessions, ``each`` rows a session."""

    by_name: dict[str, tuple[pd.DataFrame, np.ndarray]]
    nothing: pd.DataFrame
    each: int

    @classmethod
    def of(cls, frame: pd.DataFrame, key: str, each: int = 1) -> Records:
        """Split a frame that is in the order of its sessions by a key column."""
        groups = frame.groupby(key, sort=False)
        days = frame["session"].to_numpy().astype("datetime64[D]")
        split = {str(name): (frame.iloc[rows], days[rows]) for name, rows in groups.indices.items()}
        return cls(split, frame.iloc[:0], each)

    def year(self, name: str, session: date) -> pd.DataFrame:
        """Return the last year of a portfolio's rows up to a session."""
        if name not in self.by_name:
            return self.nothing
        frame, days = self.by_name[name]
        stop = int(np.searchsorted(days, np.datetime64(session), side="right"))
        return frame.iloc[max(stop - YEAR * self.each, 0) : stop]


@dataclass
class PageRows:
    """Rows of a block of sessions, bucketed by session and portfolio."""

    rows: ReportRows
    provenance: Provenance
    before: Mapping[date, date]
    explained: Mapping[tuple[date, str], PnlExplained] = field(default_factory=dict)
    without_betas: Mapping[tuple[date, str], Quarantined] = field(default_factory=dict)
    known: Sequence[date] = ()
    _buckets: dict[str, dict[Any, list[Row]]] = field(default_factory=dict)
    _single: dict[str, dict[Any, Row]] = field(default_factory=dict)

    def of(self, name: str, *keys: str) -> dict[Any, list[Row]]:
        """Return the rows of a table by the values of the key columns (one key: the value itself)."""
        label = f"{name}/{'/'.join(keys)}"
        if label not in self._buckets:
            made = {"positions": lambda: self._positions, "options": lambda: self._options}
            frame = made[name]() if name in made else self.rows.tables.get(name)
            self._buckets[label] = bucket(getattr(self.rows, name) if frame is None else frame, *keys)
        return self._buckets[label]

    @cached_property
    def _positions(self) -> pd.DataFrame:
        return positions_by_name(self.rows.tables["position_values"])

    @cached_property
    def _options(self) -> pd.DataFrame:
        """The option lots that are held."""
        lots = self.rows.tables["position_values"]
        return lots[(lots["investment_class"] == "OPTIONS") & (lots["quantity"] != 0)]

    @cached_property
    def _history(self) -> Records:
        return Records.of(self.rows.history, "portfolio_id")

    @cached_property
    def _scores(self) -> Records:
        return Records.of(self.rows.scores, "entity", each=max(self.rows.scores["model"].nunique(), 1))

    @cached_property
    def _outcomes(self) -> Records:
        return Records.of(self.rows.outcomes, "portfolio_id")

    def records(self, session: date) -> tuple[dict[Any, list[Row]], dict[Any, list[Row]]]:
        """Return, by portfolio, how forecasts and values at risk have done up to a session."""
        forecasts = volatility_record(newest(self.rows.scores, session, SCORED))
        tails = value_at_risk_record(newest(self.rows.outcomes, session, BACKTESTED))
        return bucket(forecasts, "entity"), bucket(tails, "portfolio_id")

    def sessions(self) -> Iterator[SessionDay]:
        """Yield each session that has a snapshot or a portfolio that could not be valued, oldest first."""
        by_session = self.of("portfolio_snapshots", "session")
        for session in sorted({*by_session, *self._refusals}):
            records = self.records(session)
            refusals = self._refusals.get(session, [])
            pairs = self.of("pairs", "session").get(session, [])
            yield SessionDay(
                session=session,
                previous_session=self.before.get(session),
                portfolios=[self._day(session, row, *records) for row in by_session.get(session, [])],
                proxies=self._proxies(session),
                provenance=self.provenance,
                refusals=refusals,
                last_values={
                    refusal.id: (row["session"].date(), float(row["nav"]))
                    for refusal in refusals
                    for _, row in self._history.year(refusal.id, session).tail(1).iterrows()
                },
                beside=sessions_beside(session, self.known),
                pairs={row["symbol"]: row["close"] for row in pairs if row["close"] is not None},
            )

    @cached_property
    def _refusals(self) -> dict[date, list[Refusal]]:
        names = self.rows.portfolios.set_index("portfolio_id")["name"].to_dict()
        out: dict[date, list[Refusal]] = defaultdict(list)
        for refusal in refusals_of(self.rows.skips, names):
            out[refusal.session].append(refusal)
        return dict(out)

    def _day(
        self, session: date, snapshot: Row, forecasts: dict[Any, list[Row]], tails: dict[Any, list[Row]]
    ) -> PortfolioDay:
        key = session, snapshot["portfolio_id"]
        name = key[1]
        two = ("session", "portfolio_id")
        earlier = self.before.get(session)
        impacts: dict[str, list[Row]] = defaultdict(list)
        for row in self.of("stress_factor_impacts", *two).get(key, []):
            impacts[row["scenario_id"]].append(row)
        volatility = self.of("portfolio_volatility", *two).get(key)
        panel = self.of("price_panels", "session").get(session)
        names = self.of("positions", *two).get(key, [])
        exposures = self.of("factor_exposures", *two).get(key, [])
        plausibility = {row["scenario_id"]: row for row in self.of("scenario_plausibility", "session").get(session, [])}
        return PortfolioDay(
            session=session,
            previous_session=earlier,
            portfolio=self._one("portfolios", "portfolio_id")[name],
            snapshot=snapshot,
            previous=self._previous.get((earlier, name), [None])[0],
            volatility=volatility[0] if volatility else None,
            exposures=exposures,
            stress=self.of("stress_test_results", *two).get(key, []),
            impacts=impacts,
            sectors=self.of("sector_exposures", *two).get(key, []),
            currencies=self.of("currency_exposures", *two).get(key, []),
            positions=[row for row in names if row["is_held"]],
            options=self.of("options", *two).get(key, []),
            option_grid=self.of("option_grids", *two).get(key, [{}])[0].get("grid"),
            changes={row["measure"]: row for row in self.of("risk_changes", *two).get(key, [])},
            limits=self.of("limits", *two).get(key, []),
            benchmark=self.of("benchmark_risk", *two).get(key, [None])[0],
            active=self.of("active_exposures", *two).get(key, []),
            correlations=self.of("position_correlations", *two).get(key, []),
            gains={(row["symbol"], row["kind"]): row["gain"] for row in names if row["gain"]},
            skips=[row for row in self.of("skips", "session", "entity").get(key, []) if row["entity_type"] != "symbol"],
            history=self._history.year(name, session),
            scores=self._scores.year(name, session),
            outcomes=self._outcomes.year(name, session),
            forecast_record=forecasts.get(name, [None])[0],
            tail_record=tails.get(name, [None])[0],
            replays=replay_paths(exposures, plausibility.values()),
            explained=self.explained.get((session, name)),
            proxies=self._proxies(session),
            plausibility=plausibility,
            scenarios=self._one("scenarios", "scenario_id"),
            coverage=self._coverage.get(session, {}),
            restatements=self._restatements,
            panel=panel[0] if panel else None,
            provenance=self.provenance,
            without_betas=self.without_betas.get(key),
            beside=sessions_beside(session, self.known),
        )

    def _proxies(self, session: date) -> dict[str, float]:
        """Return what the market's and the rates' proxy returned on a session, where it has a price."""
        factors = load_factors()
        returns = {
            row["factor_name"]: row["daily_return"] for row in self.of("factor_returns", "session").get(session, [])
        }
        return {
            factor.proxy: returns[factor.name] for factor in (factors.market, factors.rates) if factor.name in returns
        }

    @cached_property
    def _coverage(self) -> dict[Any, dict[str, Row]]:
        return {
            session: {row["symbol"]: row for row in rows} for session, rows in self.of("coverage", "session").items()
        }

    @cached_property
    def _restatements(self) -> list[Row]:
        return self.rows.restatements.to_dict("records")

    @cached_property
    def _previous(self) -> dict[Any, list[Any]]:
        """The snapshots of the sessions before the block's, by session and portfolio."""
        frame = self.rows.history
        earlier = frame["session"].isin([pd.Timestamp(day) for day in self.before.values()])
        return dict(bucket(frame[earlier], "session", "portfolio_id"))

    def _one(self, name: str, key: str) -> dict[Any, Row]:
        if name not in self._single:
            self._single[name] = {value: rows[0] for value, rows in self.of(name, key).items()}
        return self._single[name]


def read_page_rows(engine: sa.Engine, sessions: Sequence[date], provenance: Provenance, history_from: date) -> PageRows:
    """Read what the pages of consecutive sessions show."""
    rows = report_rows(engine, sessions[0], sessions[-1], history_from)
    made = sorted(set(rows.tables["portfolio_snapshots"]["session"].dt.date))
    explained = pnl_explained(engine, made, rows.portfolios)
    lacking = {(one.session, one.portfolio_id): one for one in without_betas(engine, load_factors(), sessions)}
    known = sessions_around(engine, sessions[0], sessions[-1], 1)
    return PageRows(rows, provenance, previous_sessions(engine, sessions), explained, lacking, known)


def replay_paths(exposures: Iterable[Row], scenarios: Iterable[Row]) -> dict[str, list[float]]:
    """Return by scenario the running P&L of each realised replay: its stored path times the dollar exposures.

    Options count by their delta and nothing compounds: the P&L in ``stress_test_results`` has both. A portfolio that
    lacks an exposure to a core factor has no path.
    """
    dollars = {row["factor_name"]: row["dollar_exposure"] for row in exposures}
    if None in [dollars.get(name) for name in load_factors().core_names]:
        return {}
    return {
        row["scenario_id"]: np.cumsum(
            np.array(row["path"]["steps"]) @ np.array([dollars.get(name) or 0.0 for name in row["path"]["factors"]])
        ).tolist()
        for row in scenarios
        if row["path"] is not None
    }


def bucket(frame: pd.DataFrame, *keys: str) -> dict[Any, list[Row]]:
    """Return the rows of a frame as dicts, by the values of its key columns; sessions are dates, NaN is None."""
    clean = {name: _values(frame[name]) for name in frame.columns}
    out: dict[Any, list[Row]] = defaultdict(list)
    names = list(clean)
    for row in zip(*clean.values(), strict=True):
        record = dict(zip(names, row, strict=True))
        place = tuple(record[key] for key in keys)
        out[place if len(keys) > 1 else place[0]].append(record)
    return dict(out)


def _values(column: pd.Series) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(day) else day.date() for day in column]
    if pd.api.types.is_float_dtype(column):
        return [None if isnan(value) else value for value in column.tolist()]
    return list(column.tolist())
