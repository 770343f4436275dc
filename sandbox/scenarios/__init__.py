"""What the demo can play: a scenario is an async context manager that gives its steps, in order."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sandbox.scenarios import customers
from sandbox.scenarios.scenario import Steps
from sandbox.up import Sandbox

SCENARIOS: dict[str, Callable[[Sandbox], AbstractAsyncContextManager[Steps]]] = {"customers": customers.play}
