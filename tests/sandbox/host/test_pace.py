import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host.pace import LEAST, RESTING, Backoff, Pace, first_of


@given(st.floats(0.001, 1), st.floats(0.001, 60))
def test_back_off_begins_with_the_shortest_and_ends_with_the_longest_delay(shortest, longest):
    backoff = Backoff(shortest, longest)
    delays = [backoff.next() for _ in range(40)]
    assert delays[0] == shortest
    assert delays[-1] == max(shortest, longest)
    assert all(shortest <= delay <= max(shortest, longest) for delay in delays)


@given(st.integers(2, 8))
def test_back_off_doubles_with_a_jitter_of_a_fifth(failures):
    backoff = Backoff(1, 1e9)
    delay = [backoff.next() for _ in range(failures)][-1] - 1
    assert 0.8 <= delay / 2 ** (failures - 2) <= 1.2


def test_back_off_starts_anew_after_a_success():
    backoff = Backoff(1, 60)
    _ = [backoff.next() for _ in range(5)]
    backoff.reset()
    assert backoff.next() == 1


@pytest.mark.parametrize(("real", "scale", "whole"), [(600, 1, 600), (600, 0.1, 60), (600, 0.001, 1), (0, 0.1, 0)])
def test_the_service_gets_whole_seconds(real, scale, whole):
    assert Pace(scale).whole(real) == whole


async def test_first_of_tells_an_event_from_the_end_of_the_time():
    event = asyncio.Event()
    assert not await first_of(event, seconds=0)
    event.set()
    assert await first_of(asyncio.Event(), event, seconds=60)


@pytest.mark.parametrize(
    ("scale", "first", "last"), [(1, LEAST, 2), (0.1, LEAST, RESTING), (0.01, LEAST, RESTING)], ids=str
)
def test_a_queue_long_empty_is_looked_at_seldom_whatever_the_scale(scale, first, last):
    looks = Pace(scale).looks(0.1, 2)
    delays = [looks.next() for _ in range(40)]
    assert (delays[0], delays[-1]) == (first, last)


def test_an_app_that_wants_its_queues_looked_at_more_often_gets_it():
    looks = Pace(1).looks(0.1, 0.2)
    assert max(looks.next() for _ in range(40)) == 0.2
