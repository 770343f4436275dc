"""A forked process keeps the process rule as any other."""

from pathlib import Path

import pytest

from sandbox.child import Child, PartFailed
from tests.chaos.forks import ForkedChild


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return ForkedChild("identity", "sandbox.identity", ["--state", str(tmp_path)], tmp_path / "identity.log")


async def test_it_says_that_it_is_ready_and_ends_when_asked(child: Child) -> None:
    assert (await child.start())["ready"]
    assert child.running
    await child.stop()
    assert not child.running
    assert await child.wait() == 0


async def test_it_can_be_killed(child: Child) -> None:
    await child.start()
    await child.kill()
    assert not child.running
    assert await child.wait() == -9


async def test_what_it_says_before_it_fails_is_told(tmp_path: Path) -> None:
    child = ForkedChild("identity", "sandbox.identity", [], tmp_path / "identity.log")
    with pytest.raises(PartFailed, match="--state"):
        await child.start()
