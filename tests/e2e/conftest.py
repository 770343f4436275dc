"""The real parts: one sandbox for all end-to-end tests of a run."""

from collections.abc import AsyncIterator

import pytest

from sandbox.up import Sandbox


@pytest.fixture(scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """Every part of the sandbox, the app served by Microsoft's worker library included."""
    async with Sandbox(tmp_path_factory.mktemp("state")) as running:
        yield running
