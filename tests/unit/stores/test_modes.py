"""Modes: the stricter of flow and company holds, a pause keeps its first cause, reading costs one call now and then."""

import pytest

from sync.stores.modes import KEPT, WHOLE, Mode, Modes
from tests.fakes import FakeTable

FLOW = "customer_gp_to_dataverse"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_flow_is_on_until_somebody_says_otherwise() -> None:
    assert (await Modes(FakeTable()).of("TWO", FLOW)).mode is Mode.ON


@pytest.mark.parametrize(
    ("company", "flow", "holds"),
    [
        (Mode.PAUSED, Mode.OBSERVE, Mode.PAUSED),
        (Mode.OBSERVE, Mode.PAUSED, Mode.PAUSED),
        (Mode.ON, Mode.OBSERVE, Mode.OBSERVE),
    ],
)
async def test_the_stricter_of_flow_and_company_holds(company: Mode, flow: Mode, holds: Mode) -> None:
    modes = Modes(FakeTable())
    await modes.set("TWO", WHOLE, company, "person", "the company")
    await modes.set("TWO", FLOW, flow, "person", "the flow")
    assert (await modes.of("TWO", FLOW)).mode is holds
    assert (await modes.of("THREE", FLOW)).mode is Mode.ON


async def test_a_pause_keeps_its_first_cause() -> None:
    modes = Modes(FakeTable())
    first = await modes.set("TWO", FLOW, Mode.PAUSED, "brake", "4,000 of 5,000 would be deactivated")
    assert await modes.set("TWO", FLOW, Mode.PAUSED, "person", "month end") == first
    assert await modes.set("TWO", FLOW, Mode.OBSERVE, "person", "let me see") == first
    assert await modes.list() == [first]


async def test_an_observed_flow_that_was_paused_is_observed_again_when_the_pause_is_lifted() -> None:
    modes = Modes(FakeTable())
    await modes.set("TWO", WHOLE, Mode.OBSERVE, "person", "not live yet", by="Kim")
    await modes.set("TWO", WHOLE, Mode.PAUSED, "identity", "restored")
    holds = await modes.set("TWO", WHOLE, Mode.ON, "person", "checked")
    assert (holds.mode, holds.text, holds.by) == (Mode.OBSERVE, "not live yet", "Kim")
    assert (await modes.of("TWO")).mode is Mode.OBSERVE
    await modes.set("TWO", WHOLE, Mode.ON, "person", "go")
    assert await modes.list() == []


async def test_what_another_process_set_is_seen_after_a_while_and_at_once_when_read_through() -> None:
    table, clock = FakeTable(), Clock()
    ours, theirs = Modes(table, clock=clock), Modes(table)
    assert (await ours.of("TWO", FLOW)).mode is Mode.ON
    await theirs.set("TWO", WHOLE, Mode.PAUSED, "person", "month end")
    assert (await ours.of("TWO", FLOW)).mode is Mode.ON
    assert (await ours.of("TWO", FLOW, fresh=True)).mode is Mode.PAUSED
    await theirs.set("TWO", WHOLE, Mode.ON, "person", "done")
    clock.now += KEPT
    assert (await ours.of("TWO", FLOW)).mode is Mode.ON


async def test_asking_again_and_again_costs_one_storage_call() -> None:
    table = FakeTable()
    modes = Modes(table, clock=Clock())
    for _ in range(100):
        await modes.of("TWO", FLOW)
    assert table.calls == 1


async def test_two_that_pause_at_once_agree_on_one_cause() -> None:
    class Racing(FakeTable):
        async def insert(self, entity: dict[str, object]) -> str | None:
            if not self.entities:
                await super().insert(entity | {"setting": entity["setting"].replace("mine", "theirs")})  # type: ignore[attr-defined]
            return await super().insert(entity)

    modes = Modes(Racing())
    assert (await modes.set("TWO", WHOLE, Mode.PAUSED, "person", "mine")).text == "theirs"
