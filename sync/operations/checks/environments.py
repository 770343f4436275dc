"""Whether each side is still the environment that it was, and which flows are not on."""

from collections.abc import AsyncIterator

from sync.errors import CODES, SyncError
from sync.operations.modes import environments
from sync.runtime import Runtime
from sync.stores.modes import Mode
from sync.system import Check, Identity


async def identities(runtime: Runtime) -> AsyncIterator[Check]:
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


async def modes(runtime: Runtime) -> AsyncIterator[Check]:
    settings = await runtime.modes.list()
    for each in settings:
        detail = f"{each.mode} since {each.since[:16]} UTC by {each.by}: {each.text}"
        step = CODES["paused"].next_step if each.mode is Mode.PAUSED else ""
        yield Check(f"mode of {each.what}", each.cause == "person", detail, step)
    if not settings:
        yield Check("modes", True, "every flow is on")
