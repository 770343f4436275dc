"""Pause, observe, resume: what a person says about flows and companies."""

import getpass
from dataclasses import replace

from sync.errors import Rejected
from sync.runtime import Runtime
from sync.stores.modes import WHOLE, Mode, ModeSetting
from sync.system import Identity


async def pause(runtime: Runtime, company: str, flow: str, why: str, *, observe: bool = False) -> ModeSetting:
    """Pause a flow of a company, or observe it; a blank `flow` means all of them. What holds now: a pause that stands
    already keeps its cause.
    """
    mode = Mode.OBSERVE if observe else Mode.PAUSED
    return await runtime.modes.set(company, flow or WHOLE, mode, "person", why, by=getpass.getuser())


async def resume(runtime: Runtime, company: str, flow: str = "") -> ModeSetting:
    """Let a flow of a company go on, or the company itself; what holds now, which is `observe` if that was before.

    Of a flow that the brake stopped, everything seen until now passes. Raises Rejected while GP or Dataverse is another
    environment than it was.
    """
    if flow:
        await _let_pass(runtime, company, flow)
    else:
        await _refuse_another_environment(runtime, company)
    return await runtime.modes.set(company, flow or WHOLE, Mode.ON, "person", "", by=getpass.getuser())


async def environments(runtime: Runtime, company: str) -> list[Identity]:
    """Which environments a company's GP and Dataverse are now. Raises as they do."""
    cursor = await runtime.cursors.read(company, "gp")
    return [await runtime.gp.identity(company, cursor.place), await runtime.catchup.identity()]


async def standing(runtime: Runtime) -> list[ModeSetting]:
    """The mode of every flow of every company, with what is set for the whole company before them."""
    known = {(each.company, each.flow): each for each in await runtime.modes.list()}
    found = []
    for company in runtime.settings.companies:
        whole = known.get((company, WHOLE))
        found += [whole] if whole else []
        for flow in runtime.flows:
            own = known.get((company, flow), ModeSetting(company, flow, Mode.ON))
            found.append(
                replace(own, mode=max(own.mode, whole.mode if whole else own.mode, key=lambda m: m.strictness))
            )
    return found


async def _let_pass(runtime: Runtime, company: str, flow: str) -> None:
    stopped = [each for each in await runtime.modes.list() if (each.company, each.flow) == (company, flow)]
    if any(each.cause == "brake" for each in stopped):
        await runtime.braking.let_pass(company, flow)


async def _refuse_another_environment(runtime: Runtime, company: str) -> None:
    for identity in await environments(runtime, company):
        if text := await runtime.guard.difference(company, identity):
            raise Rejected(text, code="identity_changed", system=identity.system)
