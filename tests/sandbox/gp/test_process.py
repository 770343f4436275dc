"""`python -m sandbox.gp`: ready line, end, restart on the same folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymssql


def started(data: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox.gp", "--data", str(data)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def running(data: Path) -> Iterator[dict[str, object]]:
    process = started(data)
    assert process.stdin
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        process.stdout.close()


def _comment(ready: dict[str, object], change: str = "") -> str:
    with pymssql.connect(
        server="127.0.0.1", port=str(ready["port"]), user="sa", password=ready["sa_password"], database="TWO"
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(change + "SELECT RTRIM(COMMENT1) FROM RM00101 WHERE CUSTNMBR='AARONFIT0001'")
        value = cursor.fetchall()[0][0]
        connection.commit()
    return value


def test_a_restart_on_the_same_folder_keeps_data_and_passwords(folder: Path) -> None:
    with running(folder) as first:
        assert first["ready"] is True
        assert first["databases"] == ["TWO", "THREE"]
        change = "SET NOCOUNT ON; UPDATE RM00101 SET COMMENT1='kept' WHERE CUSTNMBR='AARONFIT0001'; "
        assert _comment(first, change) == "kept"
    with running(folder) as second:
        assert _comment(second) == "kept"
        assert (first["password"], first["sa_password"]) == (second["password"], second["sa_password"])


def test_after_a_kill_the_next_run_goes_on_and_leaves_no_database_server_behind(folder: Path) -> None:
    process = started(folder)
    assert process.stdout
    process.stdout.readline()
    process.kill()
    process.communicate()
    with running(folder) as ready:
        assert _comment(ready) == ""
    assert not (folder / "postgres" / "postmaster.pid").exists()
