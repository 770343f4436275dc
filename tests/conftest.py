"""What is common to all tests: what they tell at the end."""

from collections.abc import Callable

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")


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
