"""The named moments of a load at which its host is killed, and how each is recognised at the doors of the stand-ins."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.scenarios.scenario import NotSeen
from sandbox.up import Sandbox
from tests.e2e.load.steps import BULK, restart_killed
from tests.e2e.steps import door, fault

PATIENCE = 60

INTENT = r'"intent": ?"\{'
"""A row of the crosswalk that says what is about to be written."""
COMMIT = r'"intent": ?"",[^\n]*(?:%s)'
"""A row that records what one of these messages wrote: its own commit, or the settlement that stands in for it."""
WRITE = r'"name": ?"'
FENCE = r'\n\{"gp365_mark": ?"\w+"\}'
"""A write of the mark alone."""


@dataclass(frozen=True)
class Seam:
    """One moment: the part whose door sees it, the seam there, and what its subject looks like."""

    name: str
    part: str
    at: str
    match: str


def seams(message_ids: Sequence[str]) -> dict[str, Seam]:
    """The moments of a load of these messages, in the order of a record's way."""
    commit = COMMIT % "|".join(message_ids)
    return {
        seam.name: seam
        for seam in (
            Seam("after read", "storage", "storage.before", INTENT),
            Seam("after intent", "dataverse", "dataverse.before", WRITE),
            Seam("after the target's commit, before its answer", "dataverse", "dataverse.after", WRITE),
            Seam("between representation and commit", "dataverse", "dataverse.answered", WRITE),
            Seam("before the crosswalk commit", "storage", "storage.before", commit),
            Seam("after the fence", "dataverse", "dataverse.after", FENCE),
            Seam("before the message delete", "storage", "storage.before", rf"^queue\.delete [^\n]*/{BULK}/"),
        )
    }


async def kill_at(box: Sandbox, seam: Seam) -> int:
    """Kill the running host when it next comes to the seam, and start another; the exit status of the killed one.

    Raises NotSeen when the host does not come there.
    """
    await fault(
        box, seam.part, at=seam.at, match=seam.match, do="kill", process=box.ready["host"]["pid"], text=seam.name
    )
    try:
        status = await asyncio.wait_for(box.ended("host"), PATIENCE)
    except TimeoutError:
        raise NotSeen(f"the host did not come to the seam: {seam}") from None
    finally:
        await door(box, seam.part, "DELETE", "/faults")
    await restart_killed(box)
    return status
