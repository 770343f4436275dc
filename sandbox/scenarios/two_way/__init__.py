"""Customers both ways: two people work on one customer, a webhook is lost, and two populated sides are coupled."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser
from sandbox.scenarios.scenario import Scenario, Steps
from sandbox.scenarios.two_way.coupling import Coupling
from sandbox.scenarios.two_way.edits import Edits
from sandbox.up import Sandbox


@asynccontextmanager
async def play(box: Sandbox) -> AsyncIterator[Steps]:
    """The scenario `two-way` on a running sandbox with webhooks and the overlay beside this file."""
    gp = box.contract["gp"]
    async with DataverseUser(box.contract["dataverse"]) as dataverse:
        edits = Edits(box, GpUser(gp | {"database": "TWO"}), dataverse)
        coupling = Coupling(box, GpUser(gp | {"database": "THREE"}), dataverse)
        yield [*edits.steps, *coupling.steps]


TWO_WAY = Scenario(play, webhooks=True, overlays=Path(__file__).parent)
