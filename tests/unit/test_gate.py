"""Never more calls at once than allowed, whoever makes them; interactive ones first; a pause is a pause for all."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sync.errors import RetryLater
from sync.gate import BULK, Caller, Gate, caller
from sync.slots import Times
from sync.stores.gates import Gates
from tests.unit.gates import ClockTable, Instance


class World:
    """Instances at one gate, and the seconds that pass."""

    def __init__(self, limit: int = 4) -> None:
        self.seconds = 1000.0
        self.limit = limit
        self.times = Times()
        self.table = ClockTable(self.clock)
        self.instances: list[Instance] = []

    def clock(self) -> float:
        return self.seconds

    def instance(self, offset: float = 0) -> Instance:
        self.instances.append(Instance(self.table, self.clock, self.limit, self.times, offset))
        return self.instances[-1]

    async def pass_(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass; every instance takes its turns."""
        end = self.seconds + seconds
        while self.seconds < end:
            for instance in self.instances:
                await instance.turn()
            self.seconds += step

    @property
    def running(self) -> int:
        return sum(instance.running for instance in self.instances)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for instance in world.instances:
        await instance.die()


async def test_one_instance_calls_as_often_at_once_as_allowed_and_no_more(world: World) -> None:
    one = world.instance()
    for _ in range(6):
        await one.call()
    await world.pass_(1)
    assert (one.running, len(one.lined_up)) == (4, 2)
    await one.end()
    assert (one.running, len(one.lined_up)) == (4, 1)


async def test_bulk_calls_never_take_the_last_quarter(world: World) -> None:
    one = world.instance()
    for _ in range(6):
        await one.call(bulk=True)
    await world.pass_(5)
    assert one.running == 3
    await one.call()
    await world.pass_(3)
    assert one.running == 4


async def test_a_bulk_load_leaves_the_last_quarter_to_the_other_instances(world: World) -> None:
    one, two = world.instance(), world.instance()
    for _ in range(6):
        await one.call(bulk=True)
    await world.pass_(5)
    await two.call()
    await two.turn()
    assert two.running == 1


async def test_who_comes_second_for_a_slot_takes_another_at_its_next_turn(world: World) -> None:
    world.times = Times(look=5)
    one, two = world.instance(), world.instance()
    await one.call(bulk=True)
    await one.turn()
    await two.call(bulk=True)
    await two.turn()
    await one.call(bulk=True)
    world.seconds += 2.1
    await one.turn()
    assert one.running == 1, "its view is from before the other came"
    world.seconds += 1.1
    await one.turn()
    assert (one.running, two.running) == (2, 1)


async def test_an_interactive_call_is_before_all_bulk_calls_that_wait(world: World) -> None:
    one = world.instance()
    for _ in range(10):
        await one.call(bulk=True)
    await world.pass_(1)
    await one.call()
    await one.end(bulk=True)
    assert [bulk for bulk, _ in one.calling].count(False) == 1
    await one.end(bulk=False)
    await one.call()
    assert not [bulk for bulk, _ in one.lined_up if not bulk], "the next call of the same message finds a permit"


async def test_a_second_instance_gets_its_half(world: World) -> None:
    one, two = world.instance(), world.instance(offset=-500)
    for _ in range(4):
        await one.call()
    await world.pass_(1)
    for _ in range(4):
        await two.call()
    await world.pass_(3)
    assert (one.running, two.running) == (4, 0)
    for _ in range(2):
        await one.end()
        await one.call()
    await one.end()
    await one.end()
    await world.pass_(6)
    assert world.running <= 4
    assert two.running == 2


async def test_the_slots_of_a_killed_instance_lapse(world: World) -> None:
    one, two = world.instance(), world.instance()
    for _ in range(4):
        await one.call()
    await world.pass_(1)
    await one.die()
    world.instances.remove(one)
    await two.call()
    await world.pass_(25)
    assert two.running == 0
    await world.pass_(8)
    assert two.running == 1


async def test_a_lease_is_renewed_while_calls_are_made(world: World) -> None:
    one, two = world.instance(), world.instance()
    for _ in range(4):
        await one.call()
    await world.pass_(200)
    await two.call()
    await world.pass_(5)
    assert (one.running, two.running) == (4, 0)


async def test_without_calls_slots_are_given_back_but_for_one_that_bulk_calls_cannot_use(world: World) -> None:
    one, two = world.instance(), world.instance()
    for _ in range(4):
        await one.call()
    await world.pass_(1)
    while await one.end():
        pass
    await world.pass_(15)
    for _ in range(4):
        await two.call()
    await world.pass_(3)
    assert two.running == 3


async def test_an_idle_poll_writes_nothing(world: World) -> None:
    one = world.instance()
    await one.call()
    await world.pass_(1)
    await one.end()
    await world.pass_(15)
    before = {key: row.metadata["etag"] for key, row in world.table.entities.items()}
    looks = world.table.calls
    for _ in range(10):
        await one.call()
        await one.turn()
        assert one.running == 1
        await one.end()
        await world.pass_(15)
    assert {key: row.metadata["etag"] for key, row in world.table.entities.items()} == before
    assert world.table.calls - looks == 10


async def test_a_pause_is_kept_by_all_instances(world: World) -> None:
    one, two = world.instance(), world.instance(offset=77)
    for instance in (one, two):
        await instance.call()
    await world.pass_(3)
    one.calling[0][1].heard(busy=True, pause=60)
    await world.pass_(2)
    for instance in (one, two):
        with pytest.raises(RetryLater) as refused:
            await instance.gate.enter()
        assert refused.value.code == "throttled"
        assert refused.value.retry_after == pytest.approx(58, abs=2)
    while await one.end() or await two.end():
        pass
    await world.pass_(59)
    await two.call()
    await world.pass_(1)
    assert two.running == 1


async def test_an_instance_that_was_idle_looks_before_it_calls(world: World) -> None:
    one, two = world.instance(), world.instance()
    for instance in (two, one):
        await instance.call()
        await world.pass_(1)
    await two.end()
    await world.pass_(20)
    assert two.gate.leases.room().all == 1
    one.calling[0][1].heard(pause=60)
    await world.pass_(1)
    await two.call()
    await world.pass_(1)
    assert two.running == 0


async def test_those_who_wait_are_sent_away_when_a_pause_is_asked_for(world: World) -> None:
    one = world.instance()
    for _ in range(5):
        await one.call()
    await world.pass_(1)
    waiting = one.lined_up[0][1]
    one.calling[0][1].heard(pause=30)
    await asyncio.sleep(0)
    with pytest.raises(RetryLater, match="asked for a pause"):
        await waiting


@pytest.mark.parametrize("others", [0, 4])
async def test_fewer_calls_are_made_when_the_system_advises_so(world: World, others: int) -> None:
    world.limit = 8
    one, two = world.instance(), world.instance()
    for _ in range(others):
        await two.call()
    await world.pass_(1)
    for _ in range(8 - others):
        await one.call()
    await world.pass_(1)
    assert world.running == 8
    one.calling[0][1].heard(advised=4)
    await world.pass_(3)
    while await one.end() or await two.end():
        pass
    for _ in range(4):
        await one.call()
        await two.call()
    await world.pass_(6)
    assert world.running == 4


async def test_an_overload_halves_once_and_good_answers_bring_it_back(world: World) -> None:
    one = world.instance()
    for _ in range(4):
        await one.call()
    await world.pass_(1)
    for _, passing in one.calling:
        passing.heard(busy=True)
    assert one.gate.permits.allowed == 2
    for _ in range(2 + 3):
        one.calling[0][1].heard()
    assert one.gate.permits.allowed == 4
    for _ in range(9):
        one.calling[0][1].heard()
    assert one.gate.permits.allowed == 4


async def test_storage_is_asked_once_a_second_at_most_and_seldom_when_steady(world: World) -> None:
    one, two = world.instance(), world.instance()
    for _ in range(6):
        await one.call(bulk=True)
        await two.call()
    await one.turn()
    assert world.table.calls == 2, "a first acquisition is a look and a transaction"
    at_start = world.table.calls
    calls = []
    for _ in range(60):
        before = world.table.calls
        await world.pass_(1)
        await one.end()
        await one.call(bulk=True)
        calls.append(world.table.calls - before)
    assert sum(calls) + at_start <= 2 * 60


@pytest.mark.parametrize("instances", [1, 2])
async def test_a_steady_load_looks_every_two_seconds_and_renews_every_ten(world: World, instances: int) -> None:
    for one in [world.instance() for _ in range(instances)]:
        for _ in range(12):
            await one.call(bulk=True)
    calls = []
    for _ in range(80):
        before = world.table.calls
        await world.pass_(1)
        calls.append(world.table.calls - before)
        for one in world.instances:
            await one.end()
            await one.call(bulk=True)
    assert world.running == 3
    assert sum(calls[20:]) <= instances * (60 / 2 + 60 / 10 + 1)


async def test_a_caller_waits_for_a_bounded_time(world: World) -> None:
    one = world.instance()
    for _ in range(4):
        await one.call()
    await world.pass_(1)
    token = caller.set(Caller(patience=0.01))
    with pytest.raises(RetryLater) as refused:
        await one.gate.enter()
    caller.reset(token)
    assert refused.value.code == "gate_closed"
    assert (one.gate.permits.waiting(False), one.running) == (0, 4)


async def test_a_caller_that_is_cancelled_when_its_turn_comes_leaves_no_trace(world: World) -> None:
    one = world.instance()
    for _ in range(5):
        await one.call()
    await world.pass_(1)
    [(_, waiting)] = one.lined_up
    one.calling.pop()[1].leave()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    one.lined_up.clear()
    assert sum(one.gate.permits.running.values()) == 3


async def test_without_storage_what_is_leased_is_used_until_it_lapses(world: World) -> None:
    one = world.instance()
    await one.call()
    await world.pass_(3)
    world.table.down = True
    await one.end()
    await one.call()
    assert one.running == 1
    await one.end()
    await world.pass_(30)
    await one.call()
    waiting = one.lined_up[0][1]
    await world.pass_(6)
    with pytest.raises(RetryLater, match="no answer"):
        await waiting


async def test_slots_are_given_back_at_the_end(world: World) -> None:
    one, two = world.instance(), world.instance()
    for _ in range(4):
        await one.call()
    await world.pass_(1)
    await one.gate.close()
    world.instances.remove(one)
    await one.die()
    await two.call()
    await world.pass_(1)
    assert two.running == 1


async def test_a_pulse_runs_while_there_are_calls_and_ends_after_them() -> None:
    table = ClockTable(lambda: 0.0)
    gate = Gate("gp", 2, Gates(table), Times(idle=0.05))  # type: ignore[arg-type]
    with await gate.enter():
        token = caller.set(BULK)
        with await gate.enter():
            pass
        caller.reset(token)
    pulse = gate._pulse
    assert pulse is not None
    async with asyncio.timeout(10):
        await pulse
    assert [row["owner"] for row in table.entities.values() if row["RowKey"].startswith("slot")] == ["", ""]
