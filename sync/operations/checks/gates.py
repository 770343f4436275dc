"""What `doctor` says of the gates: how full each is, and whether a system asked for a pause."""

from collections.abc import AsyncIterator

from sync.gate import Gate
from sync.runtime import Runtime
from sync.system import Check


async def gates(runtime: Runtime) -> AsyncIterator[Check]:
    """One line a gate. Raises RetryLater or BadSettings when storage does not answer."""
    for gate in runtime.gates.values():
        yield Check(f"gate of {gate.system}", True, await _told(gate))


async def _told(gate: Gate) -> str:
    view = await gate.look()
    left = (view.hold.until - view.now).total_seconds()
    if left > 0:
        return f"{gate.system} asked for a pause, which lasts {left:.0f} s more"
    taken = sum(bool(slot.owner) and slot.until > view.now for slot in view.slots.values())
    return f"{taken} of {gate.allowed(view)} calls at once are leased"
