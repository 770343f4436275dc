import asyncio
import os
import signal
import sys

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sandbox.child import Child
from sandbox.door import Door
from sandbox.storage.azurite import Azurite, AzuriteError
from sandbox.storage.server import Storage


async def test_a_restart_keeps_rows_messages_and_ports(tmp_path):
    storage = Storage(tmp_path, Door("storage"))
    connection = await storage.start()
    async with TableServiceClient.from_connection_string(connection) as tables:
        rows = await tables.create_table("rows")
        await rows.create_entity({"PartitionKey": "p", "RowKey": "r", "v": "é"})
    async with QueueServiceClient.from_connection_string(connection) as queues:
        await (await queues.create_queue("lane")).send_message("hello")
    await storage.stop()

    storage = Storage(tmp_path, Door("storage"))
    assert await storage.start() == connection
    async with TableServiceClient.from_connection_string(connection) as tables:
        assert (await tables.get_table_client("rows").get_entity("p", "r"))["v"] == "é"
    async with QueueServiceClient.from_connection_string(connection) as queues:
        assert (await queues.get_queue_client("lane").receive_message()).content == "hello"
    await storage.stop()


async def test_a_port_taken_by_another_is_given_up(tmp_path):
    first = Storage(tmp_path, Door("storage"))
    connection = await first.start()
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "ports.json").write_text((tmp_path / "ports.json").read_text())
    second = Storage(tmp_path / "second", Door("storage"))
    assert await second.start() != connection
    await second.stop()
    await first.stop()


async def test_node_ends_with_the_process_that_started_it(tmp_path):
    code = (
        "import asyncio, pathlib, sys\n"
        "from sandbox.storage.azurite import Azurite\n"
        "async def main():\n"
        f"    azurite = Azurite(pathlib.Path({str(tmp_path)!r}))\n"
        "    await azurite.start()\n"
        "    print(azurite.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    pid = int(await parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await asyncio.wait_for(_gone(pid), 15)


async def test_the_process_announces_itself_and_ends_with_its_input(tmp_path):
    child = Child("storage", "sandbox.storage", ["--state", str(tmp_path / "state")], tmp_path / "log")
    ready = await child.start()
    assert ready["connection_string"].startswith("DefaultEndpointsProtocol=http;")
    assert ready["admin"].startswith("http://127.0.0.1:")
    await child.stop()
    assert await child.wait() == 0


async def test_an_azurite_that_ends_before_it_is_ready_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(Azurite, "_command", lambda *_: ["node", "-e", "console.log('no room'); process.exit(3)"])
    with pytest.raises(AzuriteError, match="no room"):
        await Azurite(tmp_path).start()


async def _gone(pid):
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.05)


async def test_killed_and_started_again_at_once_it_has_lost_nothing(tmp_path):
    arguments = ["--state", str(tmp_path / "state")]
    child = Child("storage", "sandbox.storage", arguments, tmp_path / "log")
    connection = (await child.start())["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as tables:
        await (await tables.create_table("rows")).create_entity({"PartitionKey": "p", "RowKey": "r"})
    node = int((tmp_path / "state" / "azurite" / "pid").read_text())
    os.kill(node, signal.SIGSTOP)
    await child.kill()

    again = Child("storage", "sandbox.storage", arguments, tmp_path / "log")
    starting = asyncio.create_task(again.start())
    started, _ = await asyncio.wait([starting], timeout=3)
    assert not started, "it started while the one before had still to write out its data"
    os.kill(node, signal.SIGCONT)
    assert (await starting)["connection_string"] == connection
    async with TableServiceClient.from_connection_string(connection) as tables:
        assert await tables.get_table_client("rows").get_entity("p", "r")
    await again.stop()
