"""Gathering: what comes together is worked together, and each caller gets its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from sync.gathering import Gathering

AN_HOUR = 3600.0


class Work:
    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await asyncio.sleep(0)
        if 0 in items:
            raise RuntimeError("zero")
        return [10 * item for item in items]


class Slow:
    """Says that it has begun, and goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.going = asyncio.Event(), asyncio.Event()
        self.batches: list[list[int]] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.going.wait()
        return items


async def test_what_comes_within_the_window_is_one_batch_and_each_gets_its_own_result() -> None:
    work = Work()
    gathering = Gathering(work, 0.01, 100, AN_HOUR)
    assert await asyncio.gather(*(gathering.add(number) for number in (3, 1, 2))) == [30, 10, 20]
    assert await gathering.add(4) == 40
    assert work.batches == [[3, 1, 2], [4]]


async def test_a_full_batch_waits_no_longer() -> None:
    work = Work()
    gathering = Gathering(work, AN_HOUR, 2, AN_HOUR)
    assert await asyncio.gather(*(gathering.add(number) for number in (1, 2, 3, 4))) == [10, 20, 30, 40]
    assert work.batches == [[1, 2], [3, 4]]


async def test_while_a_batch_is_worked_the_next_one_goes_on_gathering() -> None:
    work = Slow()
    gathering = Gathering(work, 0, 100, AN_HOUR)
    first = asyncio.create_task(gathering.add(1))
    await work.begun.wait()
    others = [asyncio.create_task(gathering.add(number)) for number in (2, 3)]
    for _ in range(10):
        await asyncio.sleep(0)
    others.append(asyncio.create_task(gathering.add(4)))
    await asyncio.sleep(0)
    work.going.set()
    assert await asyncio.gather(first, *others) == [1, 2, 3, 4]
    assert work.batches == [[1], [2, 3, 4]]


async def test_a_batch_that_comes_to_no_end_holds_the_next_one_up_for_a_while_only() -> None:
    work = Slow()
    gathering = Gathering(work, 0, 100, 0)
    stuck = asyncio.create_task(gathering.add(1))
    await work.begun.wait()
    work.begun.clear()
    next_one = asyncio.create_task(gathering.add(2))
    await work.begun.wait()
    assert work.batches == [[1], [2]]
    work.going.set()
    assert await asyncio.gather(stuck, next_one) == [1, 2]


async def test_what_fails_is_told_to_every_caller_of_the_batch_and_to_no_other() -> None:
    gathering = Gathering(Work(), AN_HOUR, 2, AN_HOUR)
    results = await asyncio.gather(*(gathering.add(number) for number in (0, 1, 2, 3)), return_exceptions=True)
    assert [type(result) for result in results[:2]] == [RuntimeError, RuntimeError]
    assert results[2:] == [20, 30]


async def test_a_caller_who_leaves_takes_nobody_along() -> None:
    work = Work()
    gathering = Gathering(work, AN_HOUR, 2, AN_HOUR)
    leaving = asyncio.create_task(gathering.add(1))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await gathering.add(2) == 20
    assert work.batches == [[1, 2]]
