"""The real parts: one sandbox for all end-to-end tests of a run."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

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
