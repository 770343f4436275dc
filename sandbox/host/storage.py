"""The storage clients of the host itself, one per connection string, every REST call counted."""

import contextlib
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox.door import Counts
from sandbox.host.errors import HostError


class Storage:
    """Clients by connection string; raises HostError for one that is malformed.

    Calls are counted as `storage.<service> <METHOD>`, retries included.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}

    def queue(self, connection: str, name: str) -> QueueClient:
        if connection not in self._queues:
            self._queues[connection] = _client(QueueServiceClient, connection, self._options("queue"))
        return self._queues[connection].get_queue_client(name)

    async def container(self, connection: str, name: str) -> ContainerClient:
        """A blob container, made when it is not there."""
        if connection not in self._blobs:
            self._blobs[connection] = _client(BlobServiceClient, connection, self._options("blob"))
        container = self._blobs[connection].get_container_client(name)
        with contextlib.suppress(ResourceExistsError):
            await container.create_container()
        return container

    async def close(self) -> None:
        for client in [*self._queues.values(), *self._blobs.values()]:
            await client.close()

    def _options(self, service: str) -> dict[str, Any]:
        def count(response: Any) -> None:
            self._counts.add(f"storage.{service} {response.http_request.method}")

        return {
            "raw_response_hook": count,
            "user_agent": "gp365-host",
            # With it aiohttp looks for a .netrc, in a thread, and for proxies at every call: a third of what a call costs.
            "use_env_settings": False,
            # The SDK's own first back-off is 15 s; the real host's .NET SDK waits 0.8 s.
            "initial_backoff": 1,
            "increment_base": 2,
            "random_jitter_range": 0,
        }


def _client(kind: Any, connection: str, options: dict[str, Any]) -> Any:
    try:
        return kind.from_connection_string(connection, **options)
    except ValueError as error:
        raise HostError(f"a storage connection string: {error}") from error


async def put_message(queue: QueueClient, content: str) -> None:
    """Send a message as it is, with the service's default time to live; makes the queue when it is missing."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(content)
