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


async def test_what_comes_within_the_window_is_one_batch_and_each_gets_its_own_result() -> None:
    work = Work()
    gathering = Gathering(work, 0.01, 100)
    assert await asyncio.gather(*(gathering.add(number) for number in (3, 1, 2))) == [30, 10, 20]
    assert await gathering.add(4) == 40
    assert work.batches == [[3, 1, 2], [4]]


async def test_a_full_batch_waits_no_longer() -> None:
    work = Work()
    gathering = Gathering(work, AN_HOUR, 2)
    assert await asyncio.gather(*(gathering.add(number) for number in (1, 2, 3, 4))) == [10, 20, 30, 40]
    assert work.batches == [[1, 2], [3, 4]]


async def test_what_fails_is_told_to_every_caller_of_the_batch_and_to_no_other() -> None:
    gathering = Gathering(Work(), AN_HOUR, 2)
    results = await asyncio.gather(*(gathering.add(number) for number in (0, 1, 2, 3)), return_exceptions=True)
    assert [type(result) for result in results[:2]] == [RuntimeError, RuntimeError]
    assert results[2:] == [20, 30]


async def test_a_caller_who_leaves_takes_nobody_along() -> None:
    work = Work()
    gathering = Gathering(work, AN_HOUR, 2)
    leaving = asyncio.create_task(gathering.add(1))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await gathering.add(2) == 20
    assert work.batches == [[1, 2]]
