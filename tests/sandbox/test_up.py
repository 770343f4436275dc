"""The sandbox as one, tried on its two lightest parts; tests/e2e runs the whole."""

import asyncio
import json
import signal
import socket
import sys

import pytest

from sandbox.__main__ import main
from sandbox.child import STOP_SECONDS, Child, PartFailed
from sandbox.dataverse.server import Dataverse, Options
from sandbox.door import Door, Gaps
from sandbox.gaps import read_gaps, show_gaps
from sandbox.gp.server import GpServer
from sandbox.identity.server import Identity
from sandbox.parts import PARTS, app_settings, contract, settings_file
from sandbox.ports import Ports
from sandbox.up import Sandbox
from sync.settings import Settings

READY = {
    "storage": {"connection_string": "UseDevelopmentStorage=true", "admin": "http://s"},
    "identity": {
        "authority": "https://localhost:1/t",
        "client_id": "id",
        "client_secret": "hush",
        "ca_file": "ca.pem",
        "admin": "http://i",
    },
    "gp": {
        "host": "127.0.0.1",
        "port": 1433,
        "user": "gp365",
        "password": "p",
        "databases": ["TWO", "THREE"],
        "admin": "http://g",
    },
    "dataverse": {"url": "https://localhost:2", "ca_file": "ca.pem", "admin": "http://d"},
    "host": {"url": "http://127.0.0.1:3", "key": "k", "pid": 7, "admin": "http://h"},
}


@pytest.fixture(scope="module")
async def box(tmp_path_factory):
    async with Sandbox(tmp_path_factory.mktemp("state"), parts=["storage", "identity"]) as running:
        yield running


def test_the_contract_names_everything_an_outsider_needs():
    line = contract(READY)
    assert line["functions"] == {"url": "http://127.0.0.1:3", "key": "k", "pid": 7}
    assert line["storage"] == {"connection_string": "UseDevelopmentStorage=true"}
    assert line["gp"] == {"host": "127.0.0.1", "port": 1433, "user": "gp365", "password": "p", "database": "TWO"}
    assert line["dataverse"] == {
        "url": "https://localhost:2",
        "ca_file": "ca.pem",
        "authority": "https://localhost:1/t",
        "client_id": "id",
        "client_secret": "hush",
    }
    assert set(line["admin"]) == set(READY)


def test_a_host_ends_its_drain_before_whoever_stops_it_loses_patience(tmp_path):
    arguments = PARTS["host"].arguments(tmp_path)
    assert 0 < int(arguments[arguments.index("--drain") + 1]) < STOP_SECONDS


def test_the_app_accepts_its_settings(monkeypatch, tmp_path):
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    values = app_settings(READY | {"identity": READY["identity"] | {"ca_file": str(ca_file)}}, time_scale=0.1)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.companies, settings.gp_port, settings.time_scale) == (("TWO", "THREE"), 1433, 0.1)
    assert not [name for name in values if name.startswith("GP365_") and name[6:].lower() not in Settings.model_fields]


async def test_a_restart_keeps_what_a_part_announced(box):
    before = dict(box.ready["identity"])
    assert await box.restart("identity") == before


async def test_a_killed_part_comes_back_where_it_was(box):
    before = dict(box.ready["identity"])
    await box.kill("identity")
    assert await box.ended("identity") != 0
    assert await box.start("identity") == before


async def test_a_part_that_cannot_start_says_what_it_logged(tmp_path):
    child = Child("storage", "sandbox.storage", ["--nonsense"], tmp_path / "log")
    with pytest.raises(PartFailed, match="--state"):
        await child.start()


async def test_two_sandboxes_can_not_share_a_state_folder(box):
    command = ["-m", "sandbox", "up", "--fresh", "--parts", "storage", "--state", str(box.state)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 1
    assert said == f"A sandbox runs in {box.state} already: end it, or name another folder with --state\n"
    assert (box.state / "certs" / "ca.pem").exists()


async def test_a_fresh_start_keeps_nothing_of_before(tmp_path):
    (tmp_path / "gaps").mkdir()
    (tmp_path / "gaps" / "gp.jsonl").write_text("{}")
    (tmp_path / "ports.json").write_text('{"old": 1}')
    async with Sandbox(tmp_path, parts=[], fresh=True):
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_an_operators_command_without_a_running_sandbox_says_how_to_start_one(tmp_path, monkeypatch, capsys):
    settings_file(tmp_path).write_text('{"Values": {}}')
    monkeypatch.setattr(sys, "argv", ["sandbox", "sync", "--state", str(tmp_path), "doctor"])
    assert main() == 1
    assert "start one with `python3 dev.py up`" in capsys.readouterr().err


async def test_when_one_part_fails_the_others_are_stopped(tmp_path, monkeypatch):
    started = []
    start = Child.start

    async def watched(self):
        started.append(self)
        return await start(self)

    monkeypatch.setattr(Child, "start", watched)
    (tmp_path / "certs").write_text("in the way")
    with pytest.raises(PartFailed, match="identity"):
        await Sandbox(tmp_path, parts=["storage", "identity"]).__aenter__()
    assert len(started) == 2
    assert not any(child.running for child in started)


@pytest.mark.parametrize("end", ["input", "signal"])
async def test_up_announces_one_line_and_ends_with_all_its_parts(tmp_path, end):
    command = ["-m", "sandbox", "up", "--json", "--parts", "storage", "--state", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    line = json.loads(await process.stdout.readline())
    assert line["ready"] is True
    if end == "input":
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM)
    assert await process.stdout.read() == b""
    assert await process.wait() == 0
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(line["admin"]["storage"].rsplit(":", 1)[1]))


def test_ports_are_remembered_and_given_up_when_taken(tmp_path):
    port = Ports(tmp_path / "ports.json").of("gp.port")
    assert Ports(tmp_path / "ports.json").of("gp.port") == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert Ports(tmp_path / "ports.json").of("gp.port") != port


@pytest.mark.parametrize("folder", ["", "state"])
def test_what_any_stand_in_refused_is_listed_once(tmp_path, folder):
    state = tmp_path / "state"
    doors = [GpServer(state / "gp").door, Dataverse(state, Options()).door, Identity(state).door]
    doors += [Door("host", state / "gaps" / "host.jsonl") for _ in range(2)]
    for door in doors:
        door.gaps.note("statement", f"MERGE at {door.name}")
    gaps = read_gaps(tmp_path / folder)
    assert [gap["part"] for gap in gaps] == ["dataverse", "gp", "host", "identity"]
    assert gaps[1] == {"part": "gp", "kind": "statement", "what": "MERGE at gp"}


def test_with_nothing_refused_a_sentence_says_so(tmp_path, capsys):
    assert show_gaps(tmp_path, as_json=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "Nothing was refused" in said.err


def test_a_gap_is_shown_as_it_stands(tmp_path, capsys):
    Gaps(tmp_path / "gaps" / "gp.jsonl").note("statement", "[red] DB_NAME of a column")
    show_gaps(tmp_path, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == {"part": "gp", "kind": "statement", "what": "[red] DB_NAME of a column"}
    assert "[red] DB_NAME of a column" in said.err
