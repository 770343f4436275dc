"""Suites of measurements: a suite is an async function that yields measures; it registers itself by decorator."""

import operator
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Measure:
    """One number of a suite. It holds when `value op bar`; without a bar it is told only for comparison.

    `note` says which form or model made it.
    """

    measure: str
    value: float
    unit: str
    bar: float | None = None
    op: Literal["<=", ">=", "<", ">"] = "<="
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.bar is None or bool(_COMPARE[self.op](self.value, self.bar))

    def line(self, suite: str) -> dict[str, Any]:
        """The JSON line of this measure."""
        return {"suite": suite, **asdict(self), "holds": self.holds}


@dataclass
class Options:
    """What the command line asked for. `records`: how many customers the long measures work."""

    records: int = 10_000


options = Options()

type Suite = Callable[[], AsyncIterator[Measure]]

SUITES: dict[str, Suite] = {}


def suite(function: Suite) -> Suite:
    """Register a suite under its function's name, with dashes."""
    SUITES[function.__name__.replace("_", "-")] = function
    return function


class Steps:
    """Tells what is being done now; the frame says how it looks."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda _: None

    def __call__(self, what: str) -> None:
        self.tell(what)


step = Steps()
