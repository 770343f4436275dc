"""Suites of measurements: a suite is an async function that yields measures; it registers itself by decorator."""

import operator
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Measure:
    """One number of a suite. It holds when `value op bar`; without a bar it is told only for comparison."""

    measure: str
    value: float
    unit: str
    bar: float | None = None
    op: Literal["<=", ">=", "<", ">"] = "<="

    @property
    def holds(self) -> bool:
        return self.bar is None or bool(_COMPARE[self.op](self.value, self.bar))

    def line(self, suite: str) -> dict[str, Any]:
        """The JSON line of this measure."""
        return {"suite": suite, **asdict(self), "holds": self.holds}


type Suite = Callable[[], AsyncIterator[Measure]]

SUITES: dict[str, Suite] = {}


def suite(function: Suite) -> Suite:
    """Register a suite under its function's name."""
    SUITES[function.__name__] = function
    return function
