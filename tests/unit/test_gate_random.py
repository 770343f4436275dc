"""Whatever instances do, whenever they die and whatever storage answers: never more calls at once than allowed."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.slots import Times, capacity
from tests.unit.gates import ClockTable, Instance


@dataclass
class Fleet:
    """Up to three instances at one gate, on clocks that start anywhere."""

    limit: int
    seconds: float = 5000.0
    advised: int = 0
    alive: list[Instance] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = ClockTable(lambda: self.seconds)

    async def step(self, dice: random.Random) -> None:
        """One move of one instance, or of time."""
        if len(self.alive) < 3:
            clock = dice.uniform(-4000, 4000)
            self.alive.append(Instance(self.table, lambda: self.seconds, self.limit, Times().scaled(0.1), clock))
        one = dice.choice(self.alive)
        move = dice.choices(
            ["call", "bulk", "end", "turn", "time", "long", "die", "close", "lost", "cut", "down", "stall"],
            [6, 6, 6, 12, 8, 1, 0.3, 0.3, 1, 0.5, 0.3, 0.5],
        )[0]
        if move in ("call", "bulk"):
            await one.call(bulk=move == "bulk")
        elif move == "end":
            await one.end()
        elif move == "turn":
            await one.turn()
        elif move in ("time", "long"):
            await self._time(dice.uniform(0.01, 1) if move == "time" else dice.uniform(1, 30))
        elif move == "die":
            await one.die()
            self.alive.remove(one)
        elif move == "close":
            while await one.end():
                pass
            await one.gate.close()
            await one.die()
            self.alive.remove(one)
        elif move == "lost":
            self.table.before_transaction.append(lambda: self._touch(dice))
        elif move == "cut":
            self.table.cut = 1
        elif move == "stall":
            one.stalled = not one.stalled
        else:
            self.table.down = not self.table.down

    async def _time(self, seconds: float) -> None:
        """Time passes as far as living instances keep their pulse and calls end before their lease does."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds += min(0.5, end - self.seconds)
            for one in self.alive:
                await one.turn()
                while one.running > one.gate.leases.room().all and await one.end():
                    pass

    def _touch(self, dice: random.Random) -> None:
        """Somebody writes a row meanwhile, without changing what it says."""
        if self.table.entities:
            self.table._set(dict(dice.choice(list(self.table.entities.values()))))

    @property
    def running(self) -> list[bool]:
        return [bulk for one in self.alive for bulk, _ in one.calling]

    @property
    def used(self) -> list[int]:
        """The slots that instances hold for their own."""
        return [number for one in self.alive for number, until in one.gate.leases._valid.items() if until > one.clock()]


async def play(limit: int, seed: int, steps: int = 150) -> int:
    """The most calls seen at once. Fails when a rule is broken."""
    fleet, dice, most = Fleet(limit), random.Random(seed), 0
    for _ in range(steps):
        await fleet.step(dice)
        running = fleet.running
        most = max(most, len(running))
        assert len(running) <= limit
        assert len(set(fleet.used)) == len(fleet.used)
        assert sum(running) <= capacity(limit, 0).bulk
        assert all(sum(one.gate.permits.running.values()) == one.running for one in fleet.alive)
    for one in fleet.alive:
        await one.die()
    return most


@settings(max_examples=60, deadline=None)
@given(limit=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_never_more_calls_at_once_than_allowed(limit: int, seed: int) -> None:
    asyncio.run(play(limit, seed))


@pytest.mark.parametrize("limit", [1, 4, 8])
def test_and_all_that_are_allowed_are_used(limit: int) -> None:
    assert max(asyncio.run(play(limit, seed)) for seed in range(10)) == limit
