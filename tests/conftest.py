"""What is common to all tests: which run together, and what they tell at the end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")

HERE = Path(__file__).parent
FIRST = ("e2e/load", "e2e")
LAST = ("model",)
"""The loads take longest, so they begin first; the model fills every core by itself, so it comes last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers the tests of one file stay together, and so do those of loads: they share a sandbox."""
    items.sort(key=lambda item: _turn(item.path))
    for item in items:
        folder = item.path.parent.relative_to(HERE).as_posix()
        item.add_marker(pytest.mark.xdist_group(folder if folder == "e2e/load" else f"{folder}/{item.path.stem}"))


def _turn(path: Path) -> int:
    folder = path.parent.relative_to(HERE).as_posix()
    return FIRST.index(folder) - len(FIRST) if folder in FIRST else int(folder in LAST)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something at the end of the run: figures that people want to see, passed or not."""

    def tell(text: str) -> None:
        request.node.user_properties.append(("told", text))

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, text in report.user_properties:
                    if name == "told":
                        terminalreporter.write_line(str(text))
