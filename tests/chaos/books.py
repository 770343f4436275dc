"""The app's storage as it lies: its tables, and what waits on its lanes. Asked with no code of the app."""

import base64
import contextlib
from typing import Any

from azure.core.exceptions import AzureError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

LANES = tuple(f"{lane}{end}" for lane in ("to-dataverse", "to-gp") for end in ("", "-bulk", "-poison", "-bulk-poison"))


class Books:
    """All that lies in one storage account."""

    def __init__(self, connection: str) -> None:
        self._tables = TableServiceClient.from_connection_string(connection, use_env_settings=False)
        self._queues = QueueServiceClient.from_connection_string(connection, use_env_settings=False)

    async def close(self) -> None:
        await self._tables.close()
        await self._queues.close()

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table; none while it is not there."""
        try:
            return [dict(row) async for row in self._tables.get_table_client(table).list_entities()]
        except AzureError:
            return []

    async def waiting(self) -> dict[str, int]:
        """The lanes that hold messages, those that nobody can see now included."""
        found = {}
        for lane in LANES:
            with contextlib.suppress(AzureError):
                properties = await self._queues.get_queue_client(lane).get_queue_properties()
                found[lane] = properties.approximate_message_count or 0
        return {lane: count for lane, count in found.items() if count}

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of all tables."""
        return {table.name: await self.rows(table.name) async for table in self._tables.list_tables()}

    async def messages(self) -> list[str]:
        """What can be seen on the lanes, as it was sent."""
        found: list[str] = []
        for lane in LANES:
            with contextlib.suppress(AzureError):
                found += [message.content for message in await self._queues.get_queue_client(lane).peek_messages(32)]
        return [base64.b64decode(content).decode(errors="replace") for content in found]

    async def wipe(self) -> None:
        """Empty it."""
        async for table in self._tables.list_tables():
            await self._tables.delete_table(table.name)
        async for queue in self._queues.list_queues():
            await self._queues.delete_queue(queue.name)
