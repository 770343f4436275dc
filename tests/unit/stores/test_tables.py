"""Reading rows: neighbours in ranges, others a few a call, and never many calls more than that."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from sync.stores.tables import MAX_ROW_KEYS, Table
from tests.fakes import FakeTable


class Counted(Table):
    """A table of rows held in memory, which counts what it is asked."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._held = FakeTable()
        self.calls = 0
        for key in keys:
            self._held._set({"PartitionKey": "P", "RowKey": key})

    async def query(
        self, filter_: str, page: int | None = None, columns: Sequence[str] | None = None
    ) -> AsyncGenerator[dict[str, Any]]:
        self.calls += 1
        if "RowKey ge" in filter_:
            ranged = [row async for row in self._held.query(filter_)]
            found = sorted(ranged, key=lambda row: str(row["RowKey"]))[:page]
        else:
            found = [row for row in self._held.entities.values() if f"'{row['RowKey']}'" in filter_]
        for row in found:
            yield row


def names(count: int, step: int = 1) -> list[str]:
    return [f"K{number:05}" for number in range(0, count * step, step)]


def calls_of_few(count: int) -> int:
    return -(-count // MAX_ROW_KEYS)


@pytest.mark.parametrize("held", [0, 1, 250, 2000])
async def test_neighbours_take_one_call(held: int) -> None:
    table = Counted(names(held))
    rows = await table.rows("P", list(reversed(names(250))), close=True)
    assert sorted(row["RowKey"] for row in rows) == names(250)[:held]
    assert table.calls == 1


@pytest.mark.parametrize("step", [2, 3, 4, 7, 100])
async def test_keys_thought_to_be_neighbours_take_at_most_one_call_more_than_others(step: int) -> None:
    table = Counted(names(250 * step))
    rows = await table.rows("P", names(250, step), close=True)
    assert sorted(row["RowKey"] for row in rows) == names(250, step)
    assert table.calls <= calls_of_few(250) + 1


async def test_groups_of_neighbours_far_apart_take_a_call_each() -> None:
    table = Counted(names(100_00))
    wanted = [*names(125), *names(100_00)[-125:]]
    rows = await table.rows("P", wanted, close=True)
    assert sorted(row["RowKey"] for row in rows) == wanted
    assert table.calls == 2


async def test_without_a_word_a_few_keys_are_asked_a_call() -> None:
    table = Counted(names(250))
    assert len(await table.rows("P", names(250))) == 250
    assert table.calls == calls_of_few(250)


async def test_a_page_ends_at_its_limit() -> None:
    table = Counted(names(30))
    page = await table.page("P", "K00005", "K00020", 10)
    assert [row["RowKey"] for row in page] == names(30)[5:15]
