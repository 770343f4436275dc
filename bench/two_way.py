"""What both directions and the first coupling cost, and how right they are. A part is an async function that yields measures."""

from collections.abc import AsyncIterator

from bench.burst import burst
from bench.echo import webhook_echo
from bench.match import match
from bench.seen import seen_echo
from bench.suite import Measure, suite

PARTS = (match, webhook_echo, seen_echo, burst)


@suite
async def two_way() -> AsyncIterator[Measure]:
    """All parts, one after the other."""
    for part in PARTS:
        async for measure in part():
            yield measure
