"""A sandbox of its own for loads: its hosts are killed, its systems stopped, and its waiting times are short."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.scenarios.load import clean_customers
from sandbox.up import Sandbox

CUSTOMERS = 11_000
NEVER = "0 0 0 29 2 *"
SCALE = 0.01
QUICKLY = "0.004"
"""The host's own scale where it is killed: what it had in hand is seen again after 2 seconds."""
FREE = "brake: {changes: 100%, deletes: 100%}\n"
"""Changing every record within the hour is what these tests are about; the brake has tests of its own."""


@pytest.fixture(scope="package")
async def load_box() -> AsyncIterator[Sandbox]:
    """Every part at a hundredth of Azure's waiting times, the host stopped, GP neither polled nor swept."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), time_scale=SCALE) as box:
            await box.stop("host")
            box.overrides |= dict.fromkeys(
                ["GP365_POLL_SCHEDULE", "GP365_DELTA_SCHEDULE", "GP365_SWEEP_SCHEDULE"], NEVER
            )
            overlays = box.state / "overlays"
            overlays.mkdir()
            (overlays / "customer.yaml").write_text(FREE, encoding="utf-8")
            box.overrides["GP365_OVERLAYS"] = str(overlays)
            yield box


@pytest.fixture(scope="package")
async def customers(load_box: Sandbox) -> list[str]:
    """The ids of 11,000 clean customers of TWO, in GP's order."""
    return await clean_customers(load_box, CUSTOMERS)
