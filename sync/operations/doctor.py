"""Looks at everything GP365 needs and says, line by line, whether it is well and what to do when it isn't."""

from collections.abc import AsyncIterator, Callable

import sync.systems.gp.checks as gp_checks
from sync.errors import SyncError
from sync.operations.checks.alerts import alerts
from sync.operations.checks.environments import identities, modes
from sync.operations.checks.gates import gates
from sync.operations.checks.host import host_file
from sync.operations.checks.left_behind import left_behind
from sync.operations.checks.storage import lanes, parked
from sync.operations.checks.webhooks import webhooks
from sync.operations.checks.work import catching_up, polling, runs
from sync.runtime import Runtime
from sync.system import Check
from sync.systems.dataverse import checks as dataverse_checks

type Look = Callable[[Runtime], AsyncIterator[Check]]


def _gp(runtime: Runtime) -> AsyncIterator[Check]:
    written = [runtime.mappings[flow.pair] for flow in runtime.flows.values() if flow.target == "gp"]
    return gp_checks.check(runtime.gp.client, runtime.settings.companies, list(runtime.mappings.values()), written)


def _dataverse(runtime: Runtime) -> AsyncIterator[Check]:
    return dataverse_checks.check(runtime.dataverse, runtime.mappings.values(), runtime.catchup.tables)


LOOKS: dict[str, Look] = {
    "GP": _gp,
    "Dataverse": _dataverse,
    "environments": identities,
    "host.json": host_file,
    "lanes": lanes,
    "gates": gates,
    "modes": modes,
    "polling": polling,
    "webhooks": webhooks,
    "catch-up": catching_up,
    "runs": runs,
    "writes": left_behind,
    "parked": parked,
    "alerts": alerts,
}
"""In the order of the lines. What a look raises becomes a line of its name."""


async def doctor(runtime: Runtime) -> AsyncIterator[Check]:
    """One check per line. Never raises SyncError: what fails is a line, told once however many looks it fails."""
    told: set[str] = set()
    for name, look in LOOKS.items():
        try:
            async for line in look(runtime):
                yield line
        except SyncError as error:
            if error.message not in told:
                yield Check(name, False, error.message, error.next_step)
            told.add(error.message)
