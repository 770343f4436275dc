"""What is told, when again, and what an alert never says."""

from datetime import UTC, datetime, timedelta

import pytest

from sync.alerts import MOST, Topic, digest, due, remembered, topics
from sync.stores.alerts import Told
from sync.stores.modes import Mode, ModeSetting
from sync.stores.parked import Head

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
FLOW = "customer_gp_to_dataverse"


def head(key: str, code: str = "lookup_missing", since: str = "2026-11-24T11:00:00+00:00") -> Head:
    return Head("TWO", "customer", key, FLOW, code, since)


def pause(cause: str = "brake", since: str = "2026-11-24T11:00:00+00:00") -> ModeSetting:
    return ModeSetting("TWO", FLOW, Mode.PAUSED, cause, "480 of 500 customers would have gone.", since)  # type: ignore[arg-type]


def topic(name: str = "a", count: int = 1) -> Topic:
    return Topic(name, count, NOW.isoformat(), (name,))


def ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


def test_records_with_one_cause_are_one_topic_with_the_oldest_named() -> None:
    [one] = topics([head("B"), head("A", since="2026-11-23T08:30:00+00:00"), head("C")], [])
    text = "\n".join(one.lines)
    assert one.count == 3
    assert "customer/TWO/A, since 2026-11-23 08:30 UTC" in text
    assert "Add the code to the look-up table" in text
    assert "python -m sync parked list --company TWO --code lookup_missing" in text


def test_a_message_that_could_not_be_read_has_no_company_to_look_under() -> None:
    [one] = topics([Head("-", "messages", "AB12", "-", "message_unreadable", NOW.isoformat())], [])
    assert "python -m sync parked list --code message_unreadable" in "\n".join(one.lines)


def test_a_pause_comes_first_and_says_why() -> None:
    first, second = topics([head("A")] * 9, [pause()])
    text = "\n".join(first.lines)
    assert (first.paused, second.paused) == (True, False)
    assert "480 of 500 customers would have gone." in text
    assert "python -m sync modes" in text


def test_what_a_person_paused_is_no_news_to_people() -> None:
    observed = ModeSetting("TWO", FLOW, Mode.OBSERVE, "person", "trying")
    assert topics([], [pause(cause="person"), observed]) == []


@pytest.mark.parametrize(
    ("told", "count", "news"),
    [
        (None, 1, True),
        (Told(1, ago(1)), 1, False),
        (Told(1, ago(1)), 9, False),
        (Told(1, ago(1)), 10, True),
        (Told(3, ago(1)), 29, False),
        (Told(3, ago(23.9)), 3, False),
        (Told(3, ago(24)), 3, True),
        (Told(3, ago(24)), 1, True),
    ],
)
def test_a_topic_is_told_again_after_a_day_or_when_it_grew_tenfold(told: Told | None, count: int, news: bool) -> None:
    known = topic(count=count)
    assert due([known], {"a": told} if told else {}, NOW, DAY) == ([known] if news else [])


def test_a_new_pause_is_told_though_an_earlier_one_was() -> None:
    [earlier] = topics([], [pause()])
    [later] = topics([], [pause(since="2026-11-24T11:30:00+00:00")])
    assert due([later], {earlier.name: Told(1, ago(0.5))}, NOW, DAY) == [later]


def test_what_is_over_is_forgotten_once_it_would_be_told_anew_anyhow() -> None:
    told = {"gone": Told(1, ago(25)), "young": Told(1, ago(23)), "there": Told(1, ago(25))}
    after = remembered(told, [topic("new", 7)], [topic("there"), topic("new", 7)], NOW, DAY)
    assert after == {"young": told["young"], "there": told["there"], "new": Told(7, NOW.isoformat())}


def test_one_change_of_what_was_told_always_fits_a_transaction() -> None:
    told = {f"old{number}": Told(1, ago(25)) for number in range(200)}
    news = [topic(f"new{number}") for number in range(MOST)]
    after = remembered(told, news, news, NOW, DAY)
    assert len(told.keys() - after.keys()) + len(news) < 100


def test_the_title_counts_pauses_and_records() -> None:
    title, text = digest(topics([head("A"), head("B", code="value_too_long")], [pause()]), "contoso")
    assert title == "GP365 contoso: 1 pause, 2 records wait for a person"
    assert text.count("\n\n") == 2
