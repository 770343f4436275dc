"""A kill fault ends another process at a seam, once, and says so."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from sandbox.door import Door, Fault, Faults


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def kill(process: subprocess.Popen[bytes], **more: object) -> Fault:
    return Fault.model_validate({"at": "x.before", "do": "kill", "process": process.pid} | more)


def test_a_kill_ends_the_process_at_the_crossing_it_names_and_drops_the_caller(
    sleeper: subprocess.Popen[bytes],
) -> None:
    door = Door("x")
    door.faults.add(kill(sleeper, match="this", skip=1, text="before this"))
    assert door.faults.take("x.before", "that") is None
    assert door.faults.take("x.before", "this") is None
    assert sleeper.poll() is None
    struck = door.faults.take("x.before", "this")
    assert struck is not None
    assert struck.do == "drop"
    assert sleeper.wait(10) == -signal.SIGKILL
    assert door.counts.dict() == {"kill.before this": 1}


def test_a_process_that_has_gone_is_no_kill(sleeper: subprocess.Popen[bytes]) -> None:
    door = Door("x")
    door.faults.add(kill(sleeper))
    sleeper.kill()
    sleeper.wait()
    assert door.faults.take("x.before") is None
    assert door.counts.dict() == {}


@pytest.mark.parametrize("process", [0, 1])
def test_a_kill_without_a_process_of_its_own_is_refused(process: int) -> None:
    with pytest.raises(ValidationError, match="names its process"):
        Fault(at="x.before", do="kill", process=process)


def test_faults_of_one_kind_can_be_called_off_alone() -> None:
    faults = Faults()
    faults.add(Fault(at="seam", do="kill", process=2))
    faults.add(Fault(at="seam", do="drop"))
    faults.clear("kill")
    assert [fault.do for fault in faults.list()] == ["drop"]
    faults.clear()
    assert faults.list() == []


async def test_a_port_taken_meanwhile_is_left_for_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        door = Door("x")
        url = await door.start(port)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/health")).json() == {"name": "x", "ok": True}
        await door.stop()
    assert not url.endswith(f":{port}")
