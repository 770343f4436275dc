"""What the model played is said at the end of the run, so that it can be seen that it did."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.model.pool import workers

REPORT = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    with workers() as executor:
        yield executor


@pytest.fixture
def report(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the run."""
    return request.config.stash.setdefault(REPORT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(REPORT, []):
        terminalreporter.write_line(f"model: {line}")
