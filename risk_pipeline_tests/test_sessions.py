"""Partition keys are the exchange's sessions, and a session is there the same evening and not before its close."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest

from risk_pipeline.exchange_days import CalendarError, exchange_days
from risk_pipeline.sessions import NoSessionError, session_calendar

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def nyse():
    return session_calendar("XNYS", date(2015, 1, 2))


def keys_at(calendar, at: datetime) -> list[str]:
    with dg.partition_loading_context(effective_dt=at):
        return list(calendar.partitions.get_partition_keys())


def test_partition_keys_are_the_sessions_of_2015_to_2026(nyse):
    end = min(date(2026, 12, 31), xc.get_calendar("XNYS").last_session.date())
    keys = keys_at(nyse, datetime.combine(end + timedelta(days=1), datetime.min.time(), ZoneInfo("UTC")))
    sessions = xc.get_calendar("XNYS", start="2015-01-01").sessions_in_range("2015-01-02", pd.Timestamp(end))
    assert keys == [f"{session:%Y-%m-%d}" for session in sessions]


@pytest.mark.parametrize(
    ("day", "is_session"),
    [
        ("2025-01-09", False),  # day of mourning
        ("2025-07-04", False),
        ("2025-11-28", True),  # half day
        ("2024-12-24", True),  # half day
        ("2025-03-10", True),  # the Monday after clocks went forward
        ("2025-11-03", True),  # the Monday after clocks went back
        ("2025-06-14", False),  # a Saturday
    ],
)
def test_closed_days_have_no_partition(nyse, day, is_session):
    keys = keys_at(nyse, datetime(2026, 1, 5, 12, tzinfo=NEW_YORK))
    assert (day in keys) is is_session
    assert nyse.is_session(date.fromisoformat(day)) is is_session


@pytest.mark.parametrize("day", ["2025-01-15", "2025-07-15", "2025-03-07", "2025-03-10", "2025-11-03", "2025-11-28"])
def test_a_session_is_ready_the_same_evening_and_not_before_its_close(nyse, day):
    session = date.fromisoformat(day)
    close = xc.get_calendar("XNYS").session_close(day).tz_convert(NEW_YORK).to_pydatetime()
    assert nyse.last_closed(close) < session
    assert nyse.last_closed(datetime.combine(session, datetime.min.time(), NEW_YORK)) < session
    assert nyse.last_closed(datetime(session.year, session.month, session.day, 20, 30, tzinfo=NEW_YORK)) == session


def test_every_session_of_a_year_is_ready_at_its_own_schedule_tick(nyse):
    for session in nyse.sessions_in_range(date(2025, 1, 1), date(2025, 12, 31)).tolist():
        for at in nyse.evening_tries:
            assert nyse.last_closed(datetime.combine(session, at, NEW_YORK)) == session


def test_the_schedule_ticks_on_exchange_weekdays_in_exchange_time(nyse):
    assert nyse.schedule_crons == [f"30 {hour} * * 1-5" for hour in (20, 21, 22, 23)]
    assert nyse.timezone == "America/New_York"


def test_a_weekend_and_a_holiday_keep_the_last_session(nyse):
    assert nyse.last_closed(datetime(2026, 11, 28, 12, tzinfo=NEW_YORK)) == date(2026, 11, 27)
    assert nyse.last_closed(datetime(2026, 11, 26, 20, 30, tzinfo=NEW_YORK)) == date(2026, 11, 25)


def test_before_the_first_session_there_is_none(nyse):
    with pytest.raises(NoSessionError, match="2015-01-02"):
        nyse.last_closed(datetime(2014, 6, 2, tzinfo=NEW_YORK))


def test_stepping_back_and_forward_counts_sessions(nyse):
    assert nyse.session_offset(date(2025, 1, 10), -1) == nyse.look_back_from(date(2025, 1, 10), 1) == date(2025, 1, 8)
    assert nyse.date_to_session(date(2025, 1, 12)) == nyse.look_back_from(date(2025, 1, 12), 0) == date(2025, 1, 10)
    assert nyse.next_session(date(2025, 1, 8)) == date(2025, 1, 10)
    assert nyse.sessions_in_range(date(2025, 1, 8), date(2025, 1, 10)).tolist() == [date(2025, 1, 8), date(2025, 1, 10)]


def test_a_step_from_no_session_or_beyond_the_calendar_is_refused(nyse):
    with pytest.raises(NoSessionError, match="2025-01-09 is no session of XNYS"):
        nyse.next_session(date(2025, 1, 9))
    last = nyse.sessions_in_range(date(2025, 1, 1), date(2100, 1, 1))[-1].item()
    with pytest.raises(NoSessionError, match=f"no session 1 after {last}"):
        nyse.next_session(last)
    with pytest.raises(NoSessionError, match="no session 1 before 2000-01-03"):
        nyse.session_offset(date(2000, 1, 3), -1)
    with pytest.raises(NoSessionError, match="on or before 1999-12-31"):
        nyse.date_to_session(date(1999, 12, 31))
    for ask in (nyse.date_to_session, nyse.require_session):
        with pytest.raises(NoSessionError, match=f"the calendar of XNYS ends on {last}, before 2100-01-04"):
            ask(date(2100, 1, 4))


def test_a_window_of_history_is_as_long_as_there_is_one(nyse):
    assert nyse.look_back_from(date(2000, 1, 5), 100) == nyse.look_back_from(date(1990, 1, 1), 0) == date(2000, 1, 3)


@pytest.mark.parametrize("exchange", xc.get_calendar_names(include_aliases=False))
def test_every_exchange_is_ready_after_its_close_and_by_its_tries_or_refused_by_name(exchange):
    try:
        closes = xc.get_calendar(exchange)
    except (ValueError, NotImplementedError):  # five of 71 by the locked versions of exchange_calendars and pandas
        with pytest.raises(CalendarError, match=f"can't make the calendar {exchange}"):
            session_calendar(exchange, date(2024, 1, 2))
        return
    calendar = session_calendar(exchange, date(2024, 1, 2))
    zone = ZoneInfo(calendar.timezone)
    sessions = calendar.sessions_in_range(date(2025, 1, 2), date(2025, 12, 30)).tolist()
    switches = [day for day in sessions if day.month in {3, 4, 10, 11}]  # of daylight saving
    for session in (*sessions[::23], *switches[::5]):
        assert calendar.last_closed(closes.session_close(pd.Timestamp(session)).to_pydatetime()) < session
        day = session + timedelta(days=1) if calendar.runs_next_morning else session
        assert calendar.day_of_tick(day) == session
        for at in (calendar.evening_tries[0], calendar.evening_tries[-1]):
            assert calendar.last_closed(datetime.combine(day, at, zone)) == session
    keys = keys_at(calendar, datetime(2026, 1, 15, tzinfo=UTC))
    expected = calendar.sessions_in_range(date(2024, 1, 2), date.fromisoformat(keys[-1]))
    assert keys == expected.astype(str).tolist()


def test_an_exchange_whose_history_begins_later_has_its_first_session_as_first_partition():
    riyadh = session_calendar("XSAU", date(2010, 1, 3))
    assert keys_at(riyadh, datetime(2021, 1, 10, tzinfo=UTC))[0] == "2021-01-03"


def test_an_unknown_exchange_says_what_to_give():
    with pytest.raises(ValueError, match=r"NYSEE.*XNYS"):
        session_calendar("NYSEE", date(2015, 1, 2))


def test_a_vendor_that_publishes_overnight_is_asked_the_morning_after_every_session():
    calendar = session_calendar("XNYS", date(2015, 1, 2), is_ready_next_morning=True)
    assert calendar.schedule_crons == [f"{m} {h} * * 2-6" for h, m in ((6, 30), (7, 30), (8, 30), (9, 15))]
    saturday = datetime(2026, 11, 21, 6, 30, tzinfo=ZoneInfo("America/New_York"))
    assert calendar.day_of_tick(saturday.date()) == calendar.last_closed(saturday) == date(2026, 11, 20)
    assert not calendar.is_session(calendar.day_of_tick(date(2026, 11, 27)))  # the morning after Thanksgiving


LOOK = """
import sys
from pathlib import Path
from risk_pipeline.exchange_days import exchange_days
from risk_pipeline.sessions import session_calendar
days = exchange_days("XLON", Path(sys.argv[1]))
keys = session_calendar("XLON", home=Path(sys.argv[1])).partitions.get_partition_keys()
print(days.latest_close, days.timezone, "exchange_calendars" in sys.modules, *days.sessions, *keys)
"""


def looked_at(home) -> list[str]:
    """Return what a process of its own knows of London's sessions: with, third, whether it made the calendar itself."""
    done = subprocess.run([sys.executable, "-c", LOOK, str(home)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_calendar_that_is_kept_in_the_home_is_the_one_that_is_made(tmp_path):
    close, zone, has_made, *days = looked_at(tmp_path)
    assert (zone, has_made) == ("Europe/London", "True")
    expected = exchange_days("XLON")
    assert (float(close), days[: len(expected.sessions)]) == (expected.latest_close, [*map(str, expected.sessions)])
    assert looked_at(tmp_path) == [close, zone, "False", *days]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content.replace('"pandas": "', '"pandas": "1.'),
        lambda content: content.replace(f'"day": "{date.today()}"', '"day": "2026-01-02"'),
        lambda content: content.replace('["2000-01-04"', '["2000-13-04"'),
        lambda content: "[]",
        lambda content: "[" * 100_000,
        lambda content: re.sub(r'"sessions": \[.*?\]', '"sessions": []', content),
        lambda content: content.replace('"2000-01-04", ', ""),
        lambda content: content.replace('"latest_close": ', '"latest_close": 1'),
        lambda content: content.replace("Europe/London", "Europe/Paris"),
    ],
    ids=[
        *("cut off", "other pandas", "another day", "no date", "something else", "deep", "no sessions", "a hole"),
        *("another close", "another zone"),
    ],
)
def test_a_kept_calendar_that_is_damaged_or_old_is_made_again(tmp_path, spoil):
    exchange_days.cache_clear()
    made = exchange_days("XLON", tmp_path)
    file = tmp_path / "calendars" / "XLON.json"
    content = file.read_text()
    spoilt = spoil(content)
    assert spoilt != content
    file.write_text(spoilt)
    exchange_days.cache_clear()
    again = exchange_days("XLON", tmp_path)
    np.testing.assert_array_equal(again.sessions, made.sessions)
    assert (again.latest_close, again.timezone) == (made.latest_close, made.timezone)
    assert file.read_text() == content


def test_a_folder_in_the_place_of_a_kept_calendar_stays_alone(tmp_path):
    (tmp_path / "calendars" / "XLON.json").mkdir(parents=True)
    exchange_days.cache_clear()
    assert exchange_days("XLON", tmp_path).timezone == "Europe/London"
    assert [path.name for path in (tmp_path / "calendars").iterdir()] == ["XLON.json"]


def test_a_home_that_cannot_be_written_or_is_not_there_has_a_calendar_too(tmp_path):
    (tmp_path / "calendars").write_text("a file in the place of the folder")
    assert exchange_days("XLON", tmp_path).timezone == "Europe/London"
    assert exchange_days("XLON", tmp_path / "gone").timezone == "Europe/London"
    assert not (tmp_path / "gone").exists()
