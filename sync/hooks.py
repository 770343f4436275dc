"""The door of webhooks: who calls, from which environment, about what. It answers 2xx once every event is on a lane."""

import hashlib
import hmac
import logging
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from sync.errors import Rejected, SyncError, surprise
from sync.event import Event
from sync.gate import LINE, caller
from sync.gathering import Gathering
from sync.guard import Guard
from sync.mapping import Mapping
from sync.parking import NOWHERE, WEBHOOKS
from sync.routing import Routing
from sync.stores.ledger import Ledger, Line, Result
from sync.stores.parked import Parked, ParkedStore
from sync.systems.dataverse.events import KNOWN, Told, read
from sync.systems.dataverse.wanted import SECRET_HEADER
from sync.value import visible

LARGEST = 1024 * 1024
"""Bytes of a body. Dataverse takes out of a larger one than 256 KB what makes it large."""

GATHER = 0.1
"""Seconds that a webhook waits for others to be looked up and sent together with it."""

MOST = 200
"""Webhooks that are looked up and sent together."""

PATIENCE = 2.0
"""Seconds that they then wait for those before them, while storage is slow."""

QUIET = 600.0
"""Seconds between two notes of the same trouble: a stranger can't fill the log or storage."""

MESSAGES = 50
"""How many names of messages are counted apart: they come from outside."""

_HOST = re.compile(r"[a-z0-9.-]{1,100}")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the caller is told: an HTTP status, and what is wrong in words without data."""

    status: int
    text: str = ""


class Hooks:
    """`secrets`: those that callers may show, two while one takes the other's place. At least one is not blank."""

    def __init__(
        self,
        secrets: Iterable[SecretStr],
        mappings: Iterable[Mapping],
        routing: Routing[Mapping],
        guard: Guard,
        parked: ParkedStore,
        ledger: Ledger,
        scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = [_digest(secret.get_secret_value()) for secret in secrets if secret.get_secret_value()]
        self._mappings = list(mappings)
        self._routing = routing
        self._guard = guard
        self._parked = parked
        self._ledger = ledger
        self._gathering = Gathering(self._route, GATHER, MOST, PATIENCE)
        self._quiet = QUIET * scale
        self._clock = clock
        self._noted: dict[str, float] = {}
        self.ignored: Counter[str] = Counter()
        """How many webhooks made no event, by message."""

    async def receive(self, method: str, headers: Table[str, str], body: bytes) -> Answer:
        """Take one webhook (POST), or say whether its secret would be taken (GET); `headers` by name in lower case.

        2xx: every event is on a lane, parked, or nobody's. Dataverse tries once more at 502, 503 and 504 only. Never
        raises.
        """
        if not self.accepts(headers.get(SECRET_HEADER, "")):
            self._log(
                "secret", "A webhook was refused: its secret is none of GP365_HOOK_SECRET and GP365_HOOK_SECRET_OLD."
            )
            return Answer(401)
        if method == "GET":
            return Answer(204)
        if len(body) > LARGEST:
            self._log("size", f"A webhook was refused: its body of {len(body):,} bytes is too large.")
            return Answer(413, f"at most {LARGEST:,} bytes")
        caller.set(LINE)
        try:
            return await self._take(headers, body)
        except SyncError as error:
            self._log(error.code, f"A webhook can't be taken now: {error.message} {error.next_step}")
            return Answer(503, "not now")
        except Exception as error:
            self._log("unexpected", f"A webhook ended in {surprise(error)}.")
            return Answer(503, "not now")

    def accepts(self, secret: str) -> bool:
        """Whether a caller's secret is one of ours. It takes as long whatever is wrong with it."""
        given = _digest(secret)
        return sum(hmac.compare_digest(given, known) for known in self._secrets) > 0

    async def _take(self, headers: Table[str, str], body: bytes) -> Answer:
        try:
            told = read(body, self._mappings)
        except Rejected as error:
            await self._park(error)
            return Answer(400, error.message)
        if not await self._guard.knows(told.identity):
            await self._park(_stranger(told, headers))
            return Answer(403, "another environment than the one that GP365 works with")
        if told.events:
            await self._gathering.add(told.events)
        else:
            self._ignore(told.message)
        return Answer(202)

    async def _route(self, batches: Sequence[tuple[Event, ...]]) -> Sequence[None]:
        await self._routing.send([event for events in batches for event in events])
        return [None] * len(batches)

    def _ignore(self, message: str) -> None:
        """Count a message that makes no event; say so when it is met for the first time."""
        name = message if message in self.ignored or len(self.ignored) < MESSAGES else "others"
        if not self.ignored[name] and message not in KNOWN:
            log.warning("Webhooks of message %s come in and are ignored.", visible(name))
        self.ignored[name] += 1

    async def _park(self, error: Rejected) -> None:
        """Let people see what was refused, as one entry a cause: each caller could make another one."""
        if not self._due(error.code):
            return
        now, message_id = datetime.now(UTC).isoformat(), uuid.uuid4().hex
        entry = Parked(
            company=NOWHERE,
            pair=WEBHOOKS,
            key=error.code.upper(),
            flow=WEBHOOKS,
            code=error.code,
            message=error.message,
            next_step=error.next_step,
            since=now,
            message_id=message_id,
            system="dataverse",
        )
        line = Line(entry.key, WEBHOOKS, Result.PARKED, error.message, "webhook", now, now, message_id, code=error.code)
        await self._parked.put([entry])
        await self._ledger.write(NOWHERE, WEBHOOKS, [line], redelivered=False)
        self._log(error.code, error.message)

    def _log(self, what: str, text: str) -> None:
        if self._due(what):
            self._noted[what] = self._clock()
            log.warning("%s", text)

    def _due(self, what: str) -> bool:
        """Whether it is said now: not when the same was said a short while ago."""
        last = self._noted.get(what)
        return last is None or last + self._quiet <= self._clock()


def _stranger(told: Told, headers: Table[str, str]) -> Rejected:
    host = headers.get("x-ms-dynamics-organization", "").lower()
    place = f" ({host})" if _HOST.fullmatch(host) else ""
    text = f"A webhook of another Dataverse environment was refused: {told.identity.told}{place}."
    return Rejected(text, code="webhook_foreign", system="dataverse")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
