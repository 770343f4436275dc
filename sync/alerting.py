"""Tells people what waits for them: one digest a run and channel, each thing once, by one of all instances."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sync.alerts import MOST, Topic, digest, due, remembered, topics
from sync.channel import PATIENCE, Channel
from sync.errors import SyncError
from sync.stores.alerts import Alerts, Heard
from sync.stores.modes import Modes
from sync.stores.parked import ParkedStore

SENDING = timedelta(seconds=3 * PATIENCE)
"""How long an instance may take to send: afterwards it counts as dead, and another one sends."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """What became of one message: how many topics it told, and why it failed, or blank."""

    channel: str
    topics: int
    error: str = ""


class Alerting:
    """`place` tells people which installation speaks; `again` is how long a thing told counts as known."""

    def __init__(
        self,
        channels: Sequence[Channel],
        parked: ParkedStore,
        modes: Modes,
        alerts: Alerts,
        place: str,
        again: timedelta,
    ) -> None:
        self.channels = channels
        self._parked = parked
        self._modes = modes
        self._alerts = alerts
        self._place = place
        self._again = again
        self._known: dict[str, Heard] = {}

    async def tick(self) -> None:
        """`run` for the timer: trouble with storage is a line in the log, and over at a later tick."""
        try:
            await self.run()
        except SyncError as error:
            log.error("alert: %s %s", error.message, error.next_step)

    async def run(self) -> list[Sent]:
        """Tell each channel what is new. Raises SyncError when storage fails; a channel that fails is a line.

        When there is nothing new it costs two storage calls, one more for every 1,000 parked records.
        """
        if not self.channels:
            return []
        heads = [head async for head in self._parked.heads()]
        known = topics(heads, await self._modes.list())
        sent = await asyncio.gather(*(self._tell(channel, known) for channel in self.channels))
        return [each for each in sent if each]

    async def test(self) -> list[Sent]:
        """Send every channel a message that says nothing but that it arrives."""
        text = "This is a test, sent by: python -m sync alert --test. Nothing is wrong."
        errors = await asyncio.gather(*(each.send(f"GP365 {self._place}: test", text) for each in self.channels))
        return [Sent(channel.name, 0, error) for channel, error in zip(self.channels, errors, strict=True)]

    async def heard(self) -> list[tuple[str, Heard]]:
        """What each channel was told last, by its name."""
        return [(channel.name, await self._alerts.read(channel.id)) for channel in self.channels]

    async def _tell(self, channel: Channel, known: Sequence[Topic]) -> Sent | None:
        heard = self._known.get(channel.id, Heard(channel.id))
        now = datetime.now(UTC)
        if not due(known, heard.told, now, self._again):
            return None
        # What this process remembers may be old, and another instance have told it since.
        heard = self._known[channel.id] = await self._alerts.read(channel.id)
        news = due(known, heard.told, now, self._again)[:MOST]
        if not news or heard.busy_until > now.isoformat():
            return None
        claimed = await self._alerts.save(heard, replace(heard, busy_until=(now + SENDING).isoformat()))
        return await self._send(channel, claimed, known, news) if claimed else None

    async def _send(self, channel: Channel, claimed: Heard, known: Sequence[Topic], news: Sequence[Topic]) -> Sent:
        error = await channel.send(*digest(news, self._place))
        now = datetime.now(UTC)
        if error:
            after = replace(claimed, busy_until="", failed_at=now.isoformat(), error=error)
        else:
            told = remembered(claimed.told, news, known, now, self._again)
            after = replace(claimed, busy_until="", sent_at=now.isoformat(), error="", told=told)
        _log(channel, claimed.error, error)
        self._known[channel.id] = await self._alerts.save(claimed, after) or claimed
        return Sent(channel.name, len(news), error)


def _log(channel: Channel, before: str, error: str) -> None:
    """Once per change: not at every try."""
    if error and not before:
        log.error("Alerts can't be sent to %s, and are tried again: %s", channel.name, error)
    if before and not error:
        log.warning("Alerts can be sent to %s again.", channel.name)
