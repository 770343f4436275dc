"""Looks at everything GP365 needs and says, line by line, whether it is well and what to do when it isn't."""

from collections.abc import AsyncIterator

import sync.systems.gp.checks as gp_checks
from sync.errors import CODES, SyncError
from sync.operations.modes import environments
from sync.runtime import Runtime
from sync.stores.modes import Mode
from sync.system import Check, Identity
from sync.systems.dataverse import checks as dataverse_checks


async def doctor(runtime: Runtime) -> AsyncIterator[Check]:
    """One check per line, GP first. Never raises SyncError: what fails is a line."""
    mappings = list(runtime.mappings.values())
    async for line in gp_checks.check(runtime.gp.client, runtime.settings.companies, mappings):
        yield line
    async for line in dataverse_checks.check(runtime.dataverse, mappings):
        yield line
    for look in (_identities, _modes):
        async for line in look(runtime):
            yield line
    async for line in _storage(runtime):
        yield line
    async for line in _alerts(runtime):
        yield line


async def _identities(runtime: Runtime) -> AsyncIterator[Check]:
    for company in runtime.settings.companies:
        try:
            for identity in await environments(runtime, company):
                yield _environment(company, identity, await runtime.guard.difference(company, identity))
        except SyncError as error:
            yield Check(f"{company}: environments", False, error.message, error.next_step)


def _environment(company: str, identity: Identity, difference: str) -> Check:
    side = "GP" if identity.system == "gp" else "Dataverse"
    step = CODES["identity_changed"].next_step if difference else ""
    return Check(f"{company}: {side} is the same", not difference, difference or identity.told, step)


async def _modes(runtime: Runtime) -> AsyncIterator[Check]:
    try:
        settings = await runtime.modes.list()
    except SyncError as error:
        yield Check("modes", False, error.message, error.next_step)
        return
    for each in settings:
        detail = f"{each.mode} since {each.since[:16]} UTC by {each.by}: {each.text}"
        step = CODES["paused"].next_step if each.mode is Mode.PAUSED else ""
        yield Check(f"mode of {each.what}", each.cause == "person", detail, step)
    if not settings:
        yield Check("modes", True, "every flow is on")


async def _storage(runtime: Runtime) -> AsyncIterator[Check]:
    try:
        parked = [entry async for entry in runtime.parked.list()]
        lanes = sorted({lane for flow in runtime.flows.values() for lane in (flow.lane, flow.bulk_lane)})
        for lane in lanes:
            waiting = await runtime.lanes.waiting(lane)
            poison = await runtime.lanes.waiting(f"{lane}-poison")
            step = "" if not poison else "Is the function app running? It drains poison queues by itself."
            yield Check(f"lane {lane}", not poison, f"{waiting} waiting, {poison} poison", step)
    except SyncError as error:
        yield Check("storage", False, error.message, error.next_step)
        return
    yield Check("storage", True, "tables and queues answer")
    detail = f"{len(parked)} records wait for a person" if parked else "nothing waits for a person"
    yield Check("parked", True, detail)


async def _alerts(runtime: Runtime) -> AsyncIterator[Check]:
    if not runtime.alerting.channels:
        yield Check("alerts", True, "nobody is told what waits for a person: GP365_ALERTS is empty")
        return
    try:
        for name, heard in await runtime.alerting.heard():
            last = f"last sent {heard.sent_at[:16]} UTC" if heard.sent_at else "nothing sent yet"
            failed = f"failed {heard.failed_at[:16]} UTC: {heard.error}; {last}"
            step = "Correct its address in GP365_ALERTS, then run `python -m sync alert --test`." if heard.error else ""
            yield Check(f"alerts {name}", not heard.error, failed if heard.error else last, step)
    except SyncError as error:
        yield Check("alerts", False, error.message, error.next_step)
