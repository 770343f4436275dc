"""The lanes: one storage queue per target system, its bulk twin, and their poison queues."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError, ServiceResponseError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sync.message import Message
from sync.stores.outage import outage

NEVER = -1


class Lanes:
    """Sends messages. Messages never expire; a lane is created when first written to."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}

    async def send(self, lane: str, message: Message, delay: float = 0) -> None:
        """Put a message on a lane, invisible for `delay` seconds. Raises RetryLater when storage does not answer,
        BadSettings when it refuses the sign-in.
        """
        await self.send_text(lane, message.to_json(), delay)

    async def send_text(self, lane: str, body: str, delay: float = 0) -> None:
        """Put a body on a queue as it is. Raises as `send`."""
        with _answering():
            await self._send(lane, body, round(delay))

    async def waiting(self, lane: str) -> int:
        """How many messages lie on a lane, approximately. Raises as `send`."""
        with _answering():
            try:
                properties = await self._client(lane).get_queue_properties()
            except ResourceNotFoundError:
                return 0
        return properties.approximate_message_count or 0

    async def _send(self, lane: str, body: str, delay: int) -> None:
        client = self._client(lane)
        try:
            await client.send_message(body, visibility_timeout=delay or None, time_to_live=NEVER)
        except ResourceNotFoundError:
            await client.create_queue()
            await client.send_message(body, visibility_timeout=delay or None, time_to_live=NEVER)

    def _client(self, lane: str) -> QueueClient:
        if lane not in self._clients:
            client = self._service.get_queue_client(lane, message_encode_policy=TextBase64EncodePolicy())
            self._clients[lane] = client
        return self._clients[lane]


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (HttpResponseError, ServiceRequestError, ServiceResponseError) as error:
        raise outage(error, "Queue") from error
