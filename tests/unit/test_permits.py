"""Within a process: interactive calls first, each kind in its order, fewer under an overload."""

import pytest

from sync.permits import Permits, Room


class Clocked:
    def __init__(self, room: Room, limit: int = 8) -> None:
        self.now = 100.0
        self.room = room
        self.permits = Permits(limit, lambda: self.room, lambda: self.now)


@pytest.mark.parametrize("waits", [False, True])
async def test_nobody_jumps_the_queue_when_room_comes(waits: bool) -> None:
    world = Clocked(Room(0, 0))
    first = world.permits.line_up(bulk=waits)
    world.room = Room(2, 2)
    assert not world.permits.start(bulk=True)
    world.permits.serve()
    assert first.done()
    assert world.permits.running == {waits: 1, not waits: 0}


async def test_of_those_that_wait_the_interactive_begin_first() -> None:
    world = Clocked(Room(0, 0))
    waiting = [world.permits.line_up(bulk) for bulk in (True, False, True, False)]
    world.room = Room(2, 2)
    world.permits.serve()
    assert [waiter.done() for waiter in waiting] == [False, True, False, True]
    world.now += 60
    world.permits.end(bulk=False)
    world.permits.end(bulk=False)
    world.now += 60
    world.permits.serve()
    assert [waiter.done() for waiter in waiting] == [True, True, True, True]


async def test_with_one_permit_a_bulk_call_still_gets_its_turn() -> None:
    world = Clocked(Room(1, 1))
    assert world.permits.start(bulk=False)
    world.permits.end(bulk=False)
    assert world.permits.start(bulk=True)


async def test_an_overload_leaves_at_least_one_permit() -> None:
    world = Clocked(Room(6, 8))
    for _ in range(6):
        world.now += 1
        world.permits.overloaded(since=world.now)
    assert world.permits.allowed == 1
    assert world.permits.start(bulk=True)
    assert not world.permits.start(bulk=False)
