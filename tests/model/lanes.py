"""Queue Storage and the half of the Functions host that moves its messages.

At least once, in any order; a pop receipt that is no longer the latest deletes nothing; a message that failed or killed
its worker five times goes to the poison queue, where the host's own copy lives for seven days.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import ResourceNotFoundError, ServiceResponseError

from sync.errors import SyncError
from tests.model.seams import Weather

VISIBILITY = timedelta(minutes=10)
PAUSE_AFTER_FAILURE = timedelta(seconds=30)
DELIVERIES = 5
HOSTS_OWN_LIFE = timedelta(days=7)


@dataclass(eq=False)
class Lying:
    """A message on a queue. `visible` is when it can be delivered (again), `expires` when it vanishes."""

    queue: str
    body: str
    visible: datetime
    expires: datetime | None = None
    deliveries: int = 0


@dataclass
class QueueService:
    """`azure.storage.queue.aio.QueueServiceClient`, as far as `sync.stores.queues.Lanes` uses it."""

    weather: Weather
    now: datetime
    queues: set[str] = field(default_factory=set)
    messages: list[Lying] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    expired: int = 0

    def get_queue_client(self, queue: str, **_: Any) -> "QueueClient":
        return QueueClient(self, queue)

    def pass_time(self, now: datetime) -> None:
        self.now = now
        gone = [lying for lying in self.messages if lying.expires and lying.expires <= now]
        self.expired += len(gone)
        self.messages = [lying for lying in self.messages if lying not in gone]

    def ready(self) -> list[Lying]:
        return [lying for lying in self.messages if lying.visible <= self.now]

    def until_next(self) -> timedelta:
        """How long it takes until a message can be delivered."""
        return max(min((lying.visible for lying in self.messages), default=self.now) - self.now, timedelta())

    def delivered(self, lying: Lying) -> bool:
        """Hand a message out; False when it has failed too often and went to the poison queue instead."""
        lying.deliveries += 1
        lying.visible = self.now + VISIBILITY
        if lying.deliveries <= DELIVERIES:
            return True
        if not lying.queue.endswith("-poison"):
            self.poison(lying)
        return False

    def done(self, lying: Lying, delivery: int) -> None:
        """Its function returned."""
        if lying in self.messages and lying.deliveries == delivery:
            self.messages.remove(lying)

    def failed(self, lying: Lying, delivery: int) -> None:
        """Its function raised. A poison queue has no poison queue: there the message only stays invisible to the end."""
        if lying not in self.messages or lying.deliveries != delivery or lying.queue.endswith("-poison"):
            return
        if delivery >= DELIVERIES:
            self.poison(lying)
        else:
            lying.visible = self.now + PAUSE_AFTER_FAILURE

    def poison(self, lying: Lying) -> None:
        self.messages.remove(lying)
        copy = Lying(f"{lying.queue}-poison", lying.body, self.now, self.now + HOSTS_OWN_LIFE)
        self.queues.add(copy.queue)
        self.messages.append(copy)


@dataclass
class QueueClient:
    service: QueueService
    queue: str

    async def send_message(self, body: str, *, visibility_timeout: int | None, time_to_live: int) -> None:
        async def put() -> None:
            if self.queue not in self.service.queues:
                raise ResourceNotFoundError("no such queue")
            now = self.service.now
            visible = now + timedelta(seconds=visibility_timeout or 0)
            expires = None if time_to_live == -1 else now + timedelta(seconds=time_to_live)
            self.service.messages.append(Lying(self.queue, body, visible, expires))
            self.service.sent.append(body)

        await self._call(put)

    async def create_queue(self) -> None:
        async def make() -> None:
            self.service.queues.add(self.queue)

        await self._call(make)

    async def get_queue_properties(self) -> Any:
        lying = sum(message.queue == self.queue for message in self.service.messages)
        return SimpleNamespace(approximate_message_count=lying)

    async def _call(self, do: Callable[[], Awaitable[None]]) -> None:
        try:
            await self.service.weather.call("queues", "queues.send", do)
        except SyncError as error:
            raise ServiceResponseError("no answer") from error
