"""Parks what a person must look at, and what nobody could read."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sync.errors import Rejected, SyncError
from sync.flow import Flow
from sync.mapping import Mapping
from sync.message import Message
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.parked import Parked, ParkedStore
from sync.value import visible
from sync.way import way_of

MESSAGES = "messages"
"""The pair under which unreadable messages are parked; they have no company."""

WEBHOOKS = "webhooks"
"""The pair under which refused webhooks are parked; they have no company either."""

NOWHERE = "-"
"""The company of what belongs to none, or to nobody knows which."""

BODY_LIMIT = 30_000
log = logging.getLogger(__name__)


class Parking:
    """Everything that becomes parked goes through here, whatever the cause."""

    def __init__(self, parked: ParkedStore, crosswalk: Crosswalk) -> None:
        self._parked = parked
        self._crosswalk = crosswalk

    async def park(self, flow: Flow, company: str, key: str, error: SyncError, message_id: str) -> None:
        """Park one record of a flow. The caller has set `parked` on its crosswalk row."""
        log.warning("%s: %s/%s parked: %s", flow.name, company, visible(key), error.message)
        entry = Parked(
            company=company,
            pair=flow.pair,
            key=key,
            flow=flow.name,
            code=error.code,
            message=error.message,
            next_step=error.next_step,
            since=datetime.now(UTC).isoformat(),
            message_id=message_id,
            system=error.system,
            entity=error.entity,
            details=error.details,
        )
        await self._parked.put([entry])

    async def remove(self, company: str, flow: Flow, key: str) -> None:
        """The record is well again."""
        await self._parked.remove(company, flow.pair, flow.name, key)

    async def held(self, company: str, flow: Flow, keys: Sequence[str]) -> list[str]:
        """Those of a flow's keys that are on the parked list."""
        return await self._parked.held(company, flow.pair, flow.name, keys)

    async def found(self, flow: Flow, keys: Iterable[str]) -> None:
        """Records that could not be given to any company have one now, or need none."""
        for key in await self.held(NOWHERE, flow, list(keys)):
            await self.remove(NOWHERE, flow, key)

    async def park_body(self, body: str, error: SyncError) -> None:
        """Park a message that can't be worked, whole, so that nothing is lost."""
        log.error("A message was parked: %s", error.message)
        entry = Parked(
            company=NOWHERE,
            pair=MESSAGES,
            key=hashlib.sha256(body.encode(errors="replace")).hexdigest()[:32].upper(),
            flow="-",
            code=error.code,
            message=error.message,
            next_step=error.next_step,
            since=datetime.now(UTC).isoformat(),
            message_id="",
            body=body[:BODY_LIMIT],
        )
        await self._parked.put([entry])

    async def park_alone(self, flow: Flow, mapping: Mapping, message: Message, error: Rejected) -> None:
        """Park the one record of a message that could not even be planned."""
        saved: Couple | None = None
        way, [key] = way_of(mapping, flow.side), message.keys
        while not saved:  # lost: somebody else moved the row, so it is read again
            couples = await way.couples(self._crosswalk, message.company, flow.pair, [key], close=False)
            couple = couples[key]
            [saved] = await self._crosswalk.save([(couple, couple.with_parked(flow.side, error.code))])
        await self.park(flow, message.company, key, error, message.message_id)
