"""Companies are served at once; one in trouble is left alone for a while, told once, and costs the others nothing."""

import asyncio
import logging

import pytest

from sync.errors import RetryLater
from sync.pauses import Pauses
from sync.rounds import Rounds


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Companies:
    """Answers a company's name; those in `down` raise."""

    def __init__(self) -> None:
        self.down: dict[str, Exception] = {}
        self.asked: list[str] = []

    async def work(self, company: str) -> str:
        self.asked.append(company)
        if company in self.down:
            raise self.down[company]
        return company


def unreachable(text: str = "no answer") -> RetryLater:
    return RetryLater(text, code="system_unreachable")


async def test_all_companies_are_served_at_once() -> None:
    both = asyncio.Barrier(2)

    async def work(company: str) -> str:
        await both.wait()
        return company

    async with asyncio.timeout(5):
        assert await Rounds(Pauses()).each("poll", ["TWO", "THREE"], work) == ["TWO", "THREE"]


@pytest.mark.parametrize("error", [unreachable(), TypeError("a surprise")])
async def test_one_in_trouble_is_left_alone_ever_longer_and_the_others_go_on(error: Exception) -> None:
    clock, companies = Clock(), Companies()
    rounds = Rounds(Pauses(), clock)
    companies.down["TWO"] = error
    for second in range(3600):
        clock.now = float(second)
        assert await rounds.each("poll", ["TWO", "THREE"], companies.work) == ["THREE"]
    assert 6 <= companies.asked.count("TWO") <= 15
    assert companies.asked.count("THREE") == 3600


async def test_it_is_asked_again_within_fifteen_minutes_and_then_always() -> None:
    clock, companies = Clock(), Companies()
    rounds = Rounds(Pauses(), clock)
    companies.down["TWO"] = unreachable()
    for second in range(0, 36_000, 60):
        clock.now = float(second)
        await rounds.each("poll", ["TWO"], companies.work)
    companies.down.clear()
    clock.now += 15 * 60
    assert await rounds.each("poll", ["TWO"], companies.work) == ["TWO"]
    assert await rounds.each("poll", ["TWO"], companies.work) == ["TWO"]


async def test_trouble_is_told_when_it_begins_changes_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock, companies = Clock(), Companies()
    rounds = Rounds(Pauses(), clock)
    for words in ("no answer", "no answer", "no answer", "sign-in", "sign-in", ""):
        companies.down = {"TWO": unreachable(words)} if words else {}
        clock.now += 15 * 60
        await rounds.each("poll", ["TWO"], companies.work)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert "no answer" in told[0]
    assert "sign-in" in told[1]
    assert told[2] == "poll of TWO goes on."


async def test_a_paused_company_is_asked_each_time() -> None:
    clock, companies = Clock(), Companies()
    rounds = Rounds(Pauses(), clock)
    companies.down["TWO"] = RetryLater("paused by a person", code="paused")
    for _ in range(5):
        await rounds.each("poll", ["TWO"], companies.work)
    assert companies.asked.count("TWO") == 5


async def test_trouble_with_one_kind_of_work_leaves_the_other_alone() -> None:
    companies = Companies()
    rounds = Rounds(Pauses(), Clock())
    companies.down["TWO"] = unreachable()
    await rounds.each("poll", ["TWO"], companies.work)
    companies.down.clear()
    assert await rounds.each("sweep", ["TWO"], companies.work) == ["TWO"]
