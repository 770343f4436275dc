"""`doctor` tells how full a gate is and when a system wants a pause."""

from types import SimpleNamespace

from sync.operations.checks.gates import gates
from sync.slots import Times
from tests.unit.gates import ClockTable, Instance


async def told(one: Instance) -> list[str]:
    runtime = SimpleNamespace(gates={"dataverse": one.gate})
    return [check.detail async for check in gates(runtime)]  # type: ignore[arg-type]


async def test_the_slots_in_use_and_a_pause_are_told() -> None:
    one = Instance(ClockTable(lambda: 50.0), lambda: 50.0, 4, Times())
    assert await told(one) == ["0 of 4 calls at once are leased"]
    await one.call()
    await one.turn()
    assert await told(one) == ["1 of 4 calls at once are leased"]
    one.calling[0][1].heard(pause=90, advised=2)
    await one.turn()
    assert await told(one) == ["dataverse asked for a pause, which lasts 90 s more"]
