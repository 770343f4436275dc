"""dev.py stops what it started, however it is ended itself."""

import asyncio
import json
import os
import signal
import sys

import pytest

# What is started in the background by a shell ignores Ctrl-C, and so would all that it starts.
READY_MADE = """
import signal, sys, dev
signal.signal(signal.SIGINT, signal.default_int_handler)
dev.ready_python = lambda: sys.executable
dev.ready_azurite = lambda python: None
sys.exit(dev.main(sys.argv[1:]))
"""


async def start(*arguments):
    """dev.py in a process group of its own, as a terminal gives it, its set-up taken for done."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", READY_MADE, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def refused(line):
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(line["admin"]["storage"].rsplit(":", 1)[1]))


@pytest.mark.parametrize("how", ["ctrl-c", "terminated", "killed"])
async def test_up_takes_all_its_parts_with_it(tmp_path, how):
    process = await start("up", "--json", "--parts", "storage", "--state", str(tmp_path))
    line = json.loads(await process.stdout.readline())
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
    # The pipe is shared by all that it started: its end is the end of the last of them.
    assert await process.stdout.read() == b""
    assert await process.wait() == {"ctrl-c": 130, "terminated": 130, "killed": -signal.SIGKILL}[how]
    await refused(line)


async def test_terminated_while_testing_it_lets_pytest_clean_up(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pathlib, time\nimport pytest\n"
        "@pytest.fixture\ndef held():\n    yield\n    pathlib.Path(__file__).with_name('cleaned').touch()\n"
        "def test_long(held):\n    print('started', flush=True)\n    time.sleep(60)\n"
    )
    process = await start("test", str(tmp_path / "test_it.py"), "-s", "-p", "no:cacheprovider")
    while b"started" not in await process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 130
    assert (tmp_path / "cleaned").exists()


async def test_a_failing_test_gives_a_failing_status_and_line(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert False\n")
    process = await start("test", "--json", str(tmp_path / "test_it.py"), "-p", "no:cacheprovider")
    out, err = await process.communicate()
    assert process.returncode == 1
    assert json.loads(out)["test"] == "failed"
    assert b"1 failed" in err
