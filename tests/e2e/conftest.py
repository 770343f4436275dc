"""The real parts: one sandbox for all end-to-end tests of a run."""

import tempfile
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.up import Sandbox


@pytest.fixture(scope="session")
async def box() -> AsyncIterator[Sandbox]:
    """Every part of the sandbox, the app served by Microsoft's worker library included.

    The state is not in pytest's own folder: pytest closes that to other users at every start, and PostgreSQL, which
    never runs as root, would lose its files to another run.
    """
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state)) as running:
            yield running


@pytest.fixture
async def dataverse(box: Sandbox) -> AsyncIterator[DataverseUser]:
    """A person at Dataverse."""
    async with DataverseUser(box.contract["dataverse"]) as user:
        yield user


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed also tells what each part of its sandbox logged last."""
    report = yield
    if report.failed:
        for state in _states(item.funcargs):
            for log in (*sorted((state / "logs").glob("*.log")), state / "gp" / "postgres" / "log"):
                report.sections.append((f"{state.name}: {log.name}", _last_lines(log)))
    return report


def _states(fixtures: dict[str, Any]) -> set[Path]:
    return {given.state for given in fixtures.values() if isinstance(given, Sandbox)}


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]) if log.exists() else ""
