"""The lanes: one storage queue per target system, its bulk twin, and their poison queues."""

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError, ServiceResponseError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sync.errors import RetryLater
from sync.message import Message

NEVER = -1


class Lanes:
    """Sends messages. Messages never expire; a lane is created when first written to."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}

    async def send(self, lane: str, message: Message, delay: float = 0) -> None:
        """Put a message on a lane, invisible for `delay` seconds. Raises RetryLater when storage does not answer."""
        try:
            await self._send(lane, message.to_json(), round(delay))
        except (HttpResponseError, ServiceRequestError, ServiceResponseError) as error:
            raise RetryLater(
                f"Azure Queue Storage did not take a message for {lane}.",
                code="system_unreachable",
                system="storage",
                details=str(error)[:500],
            ) from error

    async def waiting(self, lane: str) -> int:
        """How many messages lie on a lane, approximately."""
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
