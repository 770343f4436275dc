"""Both ways of creating many rows, on the stand-in: what they cost in requests, and a verdict for every row."""

import os
import uuid
from collections.abc import AsyncIterator
from unittest import mock

import httpx
import pytest

from sandbox.up import Sandbox
from sync.runtime import Runtime, build
from sync.settings import read_settings
from sync.system import Ask, Outcome, Write
from tests.e2e.steps import door, new_id

FORMS = ["batch", "multiple"]
MESSAGE = 250
REQUESTS = 0.03
REQUESTS_WITH_BAD_ROWS = 0.06


@pytest.fixture
async def runtime(box: Sandbox, request: pytest.FixtureRequest) -> AsyncIterator[Runtime]:
    with mock.patch.dict(os.environ, box.settings | {"GP365_DATAVERSE_BULK": request.param}):
        running = build(read_settings())
    try:
        yield running
    finally:
        await running.close()


def new(number: int, **values: str) -> Write:
    key = new_id()
    return Write(str(uuid.uuid4()), {"name": f"Row {number}"} | values, uuid.uuid4().hex, create=True, key=key)


async def message(runtime: Runtime, writes: list[Write]) -> tuple[list[Outcome], int, float]:
    """One message's look and writes: outcomes, how many were surely kept, requests a record."""
    mapping = runtime.mappings["customer"]
    keys = [write.key for write in writes]
    alike = {("name", "address1_postalcode"): {(key, "0150") for key in keys}, ("accountnumber",): {(k,) for k in keys}}
    await runtime.records.look("TWO", mapping, Ask(keys=keys))
    before = runtime.dataverse.requests
    await runtime.records.look("TWO", mapping, Ask(keys=keys, alike=alike))
    verdicts = await runtime.records.write("TWO", mapping, writes)
    kept = sum(verdict.kept is not None for verdict in verdicts)
    return [verdict.outcome for verdict in verdicts], kept, (runtime.dataverse.requests - before) / len(writes)


@pytest.mark.parametrize("runtime", FORMS, indirect=True)
async def test_a_message_of_new_rows_takes_few_requests(runtime: Runtime) -> None:
    outcomes, kept, requests = await message(runtime, [new(number) for number in range(MESSAGE)])
    assert outcomes == [Outcome.WRITTEN] * MESSAGE
    assert kept == MESSAGE
    assert requests <= REQUESTS


@pytest.mark.parametrize("runtime", FORMS, indirect=True)
async def test_bad_rows_are_named_and_all_others_land(runtime: Runtime) -> None:
    writes = [new(number, **({"fax": "x" * 60} if number % 100 == 7 else {})) for number in range(MESSAGE)]
    outcomes, kept, requests = await message(runtime, writes)
    assert [number for number, outcome in enumerate(outcomes) if outcome is Outcome.FAILED] == [7, 107, 207]
    assert kept == MESSAGE - 3
    assert requests <= REQUESTS_WITH_BAD_ROWS


@pytest.mark.parametrize("runtime", FORMS, indirect=True)
async def test_a_key_that_is_there_already_is_told_from_a_bad_row(runtime: Runtime) -> None:
    first = new(1)
    await message(runtime, [first, new(2)])
    again = Write(str(uuid.uuid4()), {"name": "Twice"}, uuid.uuid4().hex, create=True, key=first.key)
    assert (await message(runtime, [again, new(3)]))[0] == [Outcome.EXISTS, Outcome.WRITTEN]


@pytest.mark.parametrize("runtime", ["multiple"], indirect=True)
async def test_a_table_without_create_multiple_gets_batches(box: Sandbox, runtime: Runtime) -> None:
    await door(box, "dataverse", "PATCH", "/switches", no_bulk=["account"])
    try:
        outcomes, kept, _ = await message(runtime, [new(1), new(2)])
    finally:
        await door(box, "dataverse", "PATCH", "/switches", no_bulk=[])
    assert (outcomes, kept) == ([Outcome.WRITTEN] * 2, 2)


@pytest.mark.parametrize("runtime", FORMS, indirect=True)
async def test_what_a_plug_in_keeps_is_known_in_both_forms(box: Sandbox, runtime: Runtime) -> None:
    mapping = runtime.mappings["customer"]
    writes = [new(1, address1_city="Oslo"), new(2)]
    await upper_cities(box, on=True)
    try:
        verdicts = await runtime.records.write("TWO", mapping, writes)
    finally:
        await upper_cities(box, on=False)
    assert verdicts[0].kept is not None
    assert verdicts[0].kept.values["address1_city"] == "OSLO"


async def upper_cities(box: Sandbox, *, on: bool) -> None:
    """A plug-in that keeps cities in capitals."""
    plugins = [{"table": "account", "column": "address1_city", "do": "upper"}] if on else []
    async with httpx.AsyncClient(base_url=box.ready["dataverse"]["admin"]) as client:
        (await client.put("/plugins", json=plugins)).raise_for_status()
