"""What the demo can play."""

from sandbox.scenarios.customers import CUSTOMERS
from sandbox.scenarios.scenario import Scenario
from sandbox.scenarios.two_way import TWO_WAY

SCENARIOS: dict[str, Scenario] = {"customers": CUSTOMERS, "two-way": TWO_WAY}
