"""What is common to all tests: which run beside one another, and what they tell at the end."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")


END_TO_END = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Where tests run side by side, those of a file stay together, and all that share the one sandbox."""
    for item in items:
        group = END_TO_END if item.path.is_relative_to(END_TO_END) else item.path
        item.add_marker(pytest.mark.xdist_group(str(group)))


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
