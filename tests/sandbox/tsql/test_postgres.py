"""The PostgreSQL server: where its folder lies, and who may enter it."""

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sandbox.tsql import postgres
from sandbox.tsql.postgres import NotStarted, Postgres


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that nobody but its owner can enter."""
    with TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as made:
        folder = Path(made) / "closed"
        folder.mkdir(mode=0o700)
        yield folder


def test_folder_below_a_closed_one_serves_and_stays_unreadable_to_others(closed: Path) -> None:
    server = Postgres(closed / "data", "UTC")
    server.start()
    with server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    others = stat.S_IRGRP | stat.S_IROTH | stat.S_IWOTH
    assert not closed.stat().st_mode & others
    log = (closed / "data" / "log").read_text()
    assert "Permission denied" not in log
    assert log.rstrip().endswith("database system is shut down")


def test_server_that_does_not_start_says_where_and_what_to_do(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path, **_: object) -> None:
        (folder / "log").write_text("could not access directory")
        raise subprocess.CalledProcessError(1, ["initdb"])

    monkeypatch.setattr(postgres, "get_server", fails)
    with pytest.raises(NotStarted) as raised:
        Postgres(closed / "data", "UTC").start()
    said = str(raised.value)
    assert f"does not start in {closed / 'data'}" in said
    assert f"cannot enter {closed}, " in said
    assert "chmod go+x" in said
    assert "could not access directory" in said
