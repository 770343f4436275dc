"""The door of the lanes: what a queue delivered is worked, split, parked or sent again, and never lost."""

import logging
from collections.abc import Mapping as Table
from collections.abc import Sequence

from sync.errors import BadSettings, Rejected, RetryLater, surprise
from sync.flow import Flow
from sync.gate import BULK, LINE, caller
from sync.message import Message
from sync.missing import MISSING
from sync.parking import Parking
from sync.pauses import Pauses
from sync.pipeline import Pipeline
from sync.stores.ledger import Result
from sync.stores.queues import Lanes
from sync.stores.runs import Runs

DEATHS = 5
"""A single record whose deliveries came to no end so often is parked. The host's own limit (host.json) is not reached
by then: what goes to its poison queue lives for seven days only.
"""

SURPRISES = 3
"""At this delivery of a single record an error nobody thought of parks it."""

log = logging.getLogger(__name__)


class Deliveries:
    """Takes messages from lanes and from their poison queues."""

    def __init__(
        self,
        flows: Table[str, Flow],
        companies: Sequence[str],
        pipeline: Pipeline,
        parking: Parking,
        lanes: Lanes,
        pauses: Pauses,
        runs: Runs,
    ) -> None:
        self._flows = flows
        self._companies = companies
        self._pipeline = pipeline
        self._parking = parking
        self._lanes = lanes
        self._pauses = pauses
        self._runs = runs

    async def receive(self, body: str, delivery: int, lane: str) -> None:
        """Work what a lane delivered for the `delivery`-th time.

        Raises only when storage does not take what is to be sent again, or at an error nobody thought of: then the host
        delivers the message again.
        """
        caller.set(BULK if lane.endswith("-bulk") else LINE)
        try:
            message = Message.parse(body)
            flow = self._flow(message)
        except Rejected as error:
            await self._parking.park_body(body, error)
            return
        if delivery > 1 and len(message.keys) > 1:
            await self._split(message, delivery, lane)
            return
        if delivery > 1:
            await self._unfinished(message, flow, lane)
            return
        try:
            await self._work(message, flow, lane)
        except (RetryLater, BadSettings):
            raise  # storage does not take what is to be sent again or parked
        except Exception as error:
            if message.deaths + 1 < SURPRISES:
                raise
            log.exception("%s: %s/%s", flow.name, message.company, message.keys[0])
            await self._park_alone(flow, message, _surprise(message, error))

    async def drain(self, body: str, lane: str) -> None:
        """Take one message from a lane's poison queue: one of several keys is split and sent again, a single record goes
        once more or is parked. When that can't be done now, the message is put there anew: a poison queue has no poison
        queue, the host gives up on its messages, and its own copies expire after seven days.
        """
        try:
            await self._drain(body, lane)
        except Exception:
            log.exception("A message of %s-poison could not be parked; it is kept.", lane)
            await self._lanes.send_text(f"{lane}-poison", body, self._pauses.next(10))

    async def _drain(self, body: str, lane: str) -> None:
        try:
            message = Message.parse(body)
            flow = self._flow(message)
        except Rejected as error:
            await self._parking.park_body(body, error)
            return
        if len(message.keys) > 1:
            await self._split(message, SURPRISES, lane)
            return
        await self._unfinished(message, flow, lane)

    async def _unfinished(self, message: Message, flow: Flow, lane: str) -> None:
        """An earlier delivery of a single record came to no end: it goes once more, and after `DEATHS` it is parked.

        Sent anew, at a time of its own: else it would come back together with those that were worked beside it, and
        die with them of the same one (docs/decisions/0010).
        """
        died = message.died()
        if died.deaths < DEATHS:
            await self._lanes.send(lane, died, self._pauses.apart())
            return
        key = message.keys[0]
        text = f"The worker died each time it touched {message.company}/{key}."
        await self._park_alone(flow, message, Rejected(text, code="worker_killed", key=key))

    def _flow(self, message: Message) -> Flow:
        if message.flow not in self._flows or message.company not in self._companies:
            text = f"The message names flow {message.flow} of company {message.company}, which is not installed."
            raise Rejected(text, code="unknown_flow")
        return self._flows[message.flow]

    async def _work(self, message: Message, flow: Flow, lane: str) -> None:
        try:
            run = await self._pipeline.work(message, flow, redelivered=message.sent_again)
            await self._note(message, {key: run.stands[key] for key in run.ended})
        except (RetryLater, BadSettings) as error:
            await self._send_again(message, message.keys, error, lane)
        except Rejected as error:
            await self._reject(message, flow, error, lane)
        else:
            for keys in _by_cause(run.later):
                await self._send_again(message, keys, run.later[keys[0]], lane)

    async def _split(self, message: Message, delivery: int, lane: str) -> None:
        for part in message.split(delivery):
            await self._lanes.send(lane, part)

    async def _reject(self, message: Message, flow: Flow, error: Rejected, lane: str) -> None:
        """A refusal of the whole message: find the record it is about, and park that one."""
        if len(message.keys) > 1:
            await self._split(message, SURPRISES, lane)
        else:
            await self._park_alone(flow, message, error)

    async def _park_alone(self, flow: Flow, message: Message, error: Rejected) -> None:
        await self._pipeline.park_alone(message, flow, error)
        await self._note(message, {message.keys[0]: Result.PARKED})

    async def _note(self, message: Message, results: Table[str, Result]) -> None:
        """Tell the message's run, if it has one, what became of some of its keys."""
        if message.run and results:
            await self._runs.note(message.run, message.message_id, results)

    async def _send_again(
        self, message: Message, keys: Sequence[str], error: RetryLater | BadSettings, lane: str
    ) -> None:
        """Send some keys of a message again after a pause: nothing of it was their fault."""
        level = logging.ERROR if isinstance(error, BadSettings) else logging.INFO
        log.log(level, "%s: %s %s", message.flow, error.message, error.next_step)
        await self._lanes.send(lane, message.again(keys), self._pause(message, error))

    def _pause(self, message: Message, error: RetryLater | BadSettings) -> float:
        if error.code == MISSING:
            return self._pauses.missing()
        if error.code in {"in_progress", "gate_closed"}:
            return self._pauses.short(message.delays)
        return self._pauses.next(message.delays, error.retry_after)


def _by_cause(later: Table[str, RetryLater | BadSettings]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for key, error in later.items():
        groups.setdefault(error.code, []).append(key)
    return list(groups.values())


def _surprise(message: Message, error: Exception) -> Rejected:
    """An error nobody thought of, without its text: that may hold a secret, and stands in the app's log."""
    text = f"{message.company}/{message.keys[0]} ended in {surprise(error)}."
    return Rejected(text, code="unexpected", key=message.keys[0])
