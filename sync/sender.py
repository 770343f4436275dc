"""Puts keys on a flow's lanes, many to a message, and knows how much room the lanes have left."""

from collections.abc import Sequence
from itertools import batched

from sync.flow import Flow
from sync.message import MAX_KEYS, Message, Reason
from sync.stores.queues import Lanes

KEYS_A_MESSAGE = 100
"""Few enough that one message takes seconds, many enough that a request per record is never needed."""

KEYS_A_BULK_MESSAGE = 250
"""On the bulk lane: a batch of as many writes stays well inside a request's time-out."""

INTERACTIVE = 500
"""More keys at once than this go to the bulk lane, so that single edits never wait behind a load."""


class Sender:
    """`depth`: how many messages a lane and its bulk twin may hold together before nothing more is read for them."""

    def __init__(self, lanes: Lanes, depth: int) -> None:
        self._lanes = lanes
        self._depth = depth

    async def room(self, flow: Flow) -> int:
        """How many messages the flow's lanes take until they are full; 0 or less when they are."""
        return self._depth - await self._waiting(flow)

    async def bulk_room(self, flow: Flow) -> int:
        """The same for loads: they fill half of it, so that GP goes on being read while one is under way."""
        return -(-self._depth // 2) - await self._waiting(flow)

    async def send(self, flow: Flow, company: str, keys: Sequence[str], reason: Reason) -> int:
        """Put keys on the flow's lane, on its bulk lane when they are many; the count of messages sent."""
        if len(keys) > INTERACTIVE:
            return await self.send_bulk(flow, company, keys, reason)
        return await self._send(flow, flow.lane, company, keys, reason, KEYS_A_MESSAGE)

    async def send_bulk(self, flow: Flow, company: str, keys: Sequence[str], reason: Reason) -> int:
        """Put keys on the flow's bulk lane; the count of messages sent."""
        return await self._send(flow, flow.bulk_lane, company, keys, reason, KEYS_A_BULK_MESSAGE)

    async def _waiting(self, flow: Flow) -> int:
        return await self._lanes.waiting(flow.lane) + await self._lanes.waiting(flow.bulk_lane)

    async def _send(self, flow: Flow, lane: str, company: str, keys: Sequence[str], reason: Reason, size: int) -> int:
        # What a delta tells is mostly what we wrote ourselves: it ends as skips, as many as possible at the cost of one.
        size = MAX_KEYS if reason == "delta" else size
        messages = [Message.new(flow.name, company, some, reason) for some in batched(keys, size, strict=False)]
        for message in messages:
            await self._lanes.send(lane, message)
        return len(messages)
