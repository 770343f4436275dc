import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sandbox.door import Door
from sandbox.storage.server import Storage


class Box:
    """Storage with its door, and SDK clients that never retry, so that every answer is seen."""

    def __init__(self, storage, door, connection):
        self.storage, self.door, self.connection = storage, door, connection
        self.tables = TableServiceClient.from_connection_string(connection, retry_total=0, user_agent="gp365-app")
        self.queues = QueueServiceClient.from_connection_string(connection, retry_total=0, user_agent="gp365-host")

    async def close(self):
        await self.tables.close()
        await self.queues.close()


@pytest.fixture(scope="session")
async def running(tmp_path_factory):
    door = Door("storage")
    storage = Storage(tmp_path_factory.mktemp("storage"), door)
    box = Box(storage, door, await storage.start())
    yield box
    await box.close()
    await storage.stop()


@pytest.fixture
async def box(running):
    running.door.faults.clear()
    running.door.counts.reset()
    return running


@pytest.fixture
async def table(box):
    client = await box.tables.create_table_if_not_exists("rows")
    yield client
    box.door.faults.clear()
    await client.delete_table()
