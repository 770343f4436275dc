import asyncio
import json
import sys
from pathlib import Path

import pytest

from sandbox.child import PartFailed

HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
TIMER = '@app.timer_trigger(arg_name="timer", schedule="%NO_SUCH_SETTING%")\ndef tick(timer: func.TimerRequest): pass\n'
QUEUE = (
    '@app.queue_trigger(arg_name="message", queue_name="orders", connection="AzureWebJobsStorage")\n'
    "def take(message: func.QueueMessage): pass\n"
)
TABLE = (
    '@app.route("x")\n@app.table_output(arg_name="out", table_name="t", connection="AzureWebJobsStorage")\n'
    "def write(req: func.HttpRequest, out: func.Out[str]) -> str: return ''\n"
)


@pytest.fixture
def app(tmp_path):
    """Writes an app whose function_app.py is `source`."""

    def write(source):
        (tmp_path / "host.json").write_text('{"version": "2.0"}')
        (tmp_path / "function_app.py").write_text(source)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import no_such_module", ["ModuleNotFoundError", "no_such_module", "status 1"]),
        (HEAD, ["no functions found"]),
        (HEAD + TIMER, ["function tick", "NO_SUCH_SETTING", "schedule"]),
        (HEAD + QUEUE, ["function take", "queueTrigger is not registered", "extensionBundle"]),
    ],
)
async def test_an_app_that_can_not_be_served_says_why_and_ends_with_1(launch, app, source, words):
    with pytest.raises(PartFailed) as failure:
        await launch(app(source))
    assert all(word in str(failure.value) for word in words)


async def test_a_malformed_connection_string_says_so(launch):
    with pytest.raises(PartFailed, match="storage connection string"):
        await launch("queues", {"AzureWebJobsStorage": "nonsense", "IN_QUEUE": "orders"})


async def test_what_is_not_imitated_is_refused_and_listed(launch, app, tmp_path):
    with pytest.raises(PartFailed, match="does not imitate the binding table"):
        await launch(app(HEAD + TABLE), {}, "--gaps", str(tmp_path / "gaps"))
    assert json.loads((tmp_path / "gaps").read_text())["kind"] == "the binding"


async def test_a_graceful_stop_lets_a_running_function_end(start_queues, queue, seen):
    host = await start_queues()
    await queue.put("slow 1")
    await host.invocations("take", "running")
    host.terminate()
    assert await host.child.wait() == 0
    assert len(await seen.texts(1)) == 1
    await queue.emptied()


async def test_a_graceful_stop_is_bounded_and_the_message_stays(start_queues, queue, seen):
    host = await start_queues("--drain", "0.5")
    await queue.put("slow 600")
    await host.invocations("take", "running")
    host.terminate()
    assert await host.child.wait() == 1
    assert (await queue.client.get_queue_properties()).approximate_message_count == 1
    assert await seen.peek() == []


@pytest.mark.parametrize("body", ["slow 600", "block 600"])
async def test_function_timeout_ends_the_process(start_queues, queue, body):
    host = await start_queues(AzureFunctionsJobHost__functionTimeout="00:00:01")
    await queue.put(body)
    assert await host.child.wait() == 124
    assert "functionTimeout of 1.0 s was exceeded by take" in host.child.last_words()


async def test_standard_output_carries_the_ready_line_only_and_the_end_of_input_ends_the_host(
    queue, seen, connection, tmp_path
):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Values": {"AzureWebJobsStorage": connection, "IN_QUEUE": queue.name}}))
    command = [
        sys.executable,
        "-m",
        "sandbox.host",
        "--app",
        str(Path(__file__).parent / "apps/queues"),
        "--settings",
        str(settings),
    ]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    process = await asyncio.create_subprocess_exec(*command, **pipes)
    await process.stdout.readline()
    await queue.put("hello")
    await seen.texts(1)
    out, error = await process.communicate()
    assert (out, process.returncode) == (b"", 0)
    assert b"printed by take" in error
