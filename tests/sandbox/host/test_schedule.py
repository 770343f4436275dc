import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host.errors import HostError, UnknownToHost
from sandbox.host.schedule import NEVER, Schedule, Status, after_run, at_start

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOURLY = Schedule("0 0 * * * *", "f")


def after(expression, moment=NOON, **more):
    return Schedule(expression, "f", **more).after(moment)


def test_seconds_come_first():
    assert after("30 15 * * * *") == NOON + timedelta(minutes=15, seconds=30)


def test_five_fields_mean_second_zero():
    assert after("15 * * * *") == NOON + timedelta(minutes=15)


@pytest.mark.parametrize("sunday", ["0", "SUN", "sunday"])
def test_sunday_is_day_0(sunday):
    assert after(f"0 0 0 * * {sunday}") == SUNDAY + timedelta(days=7)


def test_both_day_fields_must_match():
    found = after("0 0 0 13 * 5")
    assert (found.day, found.weekday()) == (13, 4)


def test_an_occurrence_is_later_than_the_moment():
    assert after("0 0 12 * * *") == NOON + timedelta(days=1)


def test_a_schedule_is_in_its_time_zone():
    assert after("0 0 9 * * *", zone=ZoneInfo("America/New_York")) == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    "expression",
    ["", "x", "* * *", "60 * * * * *", "0 0 0 * * 7", "0 0 0 * * 1-7", "0 0 0 L * *", "0 0 0 * * 5#2", "0 0 0 ? * *"],
)
def test_what_is_no_ncrontab_is_refused_with_the_functions_name(expression):
    with pytest.raises(HostError, match="function f"):
        Schedule(expression, "f")


@pytest.mark.parametrize("expression", ["0 0 0 31 2 *", "0 0 0 30 feb *"])
def test_a_schedule_that_never_occurs_is_refused(expression):
    with pytest.raises(HostError):
        Schedule(expression, "f")


def test_a_time_span_is_not_imitated():
    with pytest.raises(UnknownToHost):
        Schedule("00:05:00", "f")


SETS = [
    st.sets(st.integers(low, high), min_size=1, max_size=3)
    for low, high in ((0, 59), (0, 59), (0, 23), (1, 28), (1, 12), (0, 6))
]


@given(st.tuples(*SETS), st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)))  # noqa: DTZ001
def test_an_occurrence_matches_every_field_and_none_lies_before(wanted, moment):
    expression = " ".join(",".join(map(str, sorted(values))) for values in wanted)
    moment = moment.replace(tzinfo=UTC)
    found = after(expression, moment)

    def days(when):
        return when.day in wanted[3] and when.month in wanted[4] and (when.weekday() + 1) % 7 in wanted[5]

    assert found > moment
    assert days(found)
    assert [found.second, found.minute, found.hour] == [
        min(values) if found.date() != moment.date() else value
        for values, value in zip(wanted, (found.second, found.minute, found.hour), strict=False)
    ]
    between = (moment + timedelta(days=n) for n in range(1, (found.date() - moment.date()).days))
    assert not any(map(days, between))


def test_less_than_a_minute_apart_is_short():
    assert Schedule("*/30 * * * * *", "f").is_short(NOON)
    assert not HOURLY.is_short(NOON)


def test_without_a_status_the_next_occurrence_is_written_down():
    assert at_start(None, HOURLY, NOON) == Status(NEVER, NOON + timedelta(hours=1), NOON)


@pytest.mark.parametrize("last", [NOON - timedelta(hours=5), NEVER])
def test_a_recorded_occurrence_is_kept_even_when_past(last):
    updated = NOON - timedelta(hours=5)
    status = Status(last, NOON - timedelta(hours=4), updated)
    assert at_start(status, HOURLY, NOON) == status


def test_a_changed_schedule_is_reckoned_from_now_when_its_occurrence_is_past():
    status = Status(NOON - timedelta(hours=5), NOON - timedelta(hours=4, minutes=30), NOON - timedelta(hours=5))
    assert at_start(status, HOURLY, NOON) == Status(NEVER, NOON + timedelta(hours=1), NOON)


def test_a_changed_schedule_keeps_an_occurrence_to_come():
    last = NOON - timedelta(minutes=10)
    status = Status(last, NOON + timedelta(minutes=30), last)
    assert at_start(status, HOURLY, NOON) == Status(NEVER, HOURLY.after(last), last)


def test_a_run_that_began_a_little_early_counts_for_its_own_occurrence():
    status = Status(NEVER, NOON, NEVER)
    early = NOON - timedelta(milliseconds=3)
    assert after_run(status, HOURLY, early, on_schedule=True).next == NOON + timedelta(hours=1)
    assert after_run(status, HOURLY, early, on_schedule=False).next == NOON


def test_a_status_survives_its_json():
    status = Status(NEVER, NOON, NOON - timedelta(microseconds=1))
    assert Status.from_json(json.dumps(status.to_json())) == status
