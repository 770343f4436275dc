"""Whether Dataverse tells us what changes: what is registered there, whether it gets through, and what failed lately."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from sync.errors import BadSettings, RetryLater
from sync.operations.register import door_of, knock, wanted
from sync.runtime import Runtime
from sync.system import Check
from sync.systems.dataverse.failures import failures
from sync.systems.dataverse.registration import Done, Registration
from sync.systems.dataverse.wanted import Door

REGISTER = "Run `python -m sync register`."
LATELY = timedelta(days=1)


async def webhooks(runtime: Runtime) -> AsyncIterator[Check]:
    """Nothing is written. Raises what Dataverse and storage answer."""
    steps = wanted(runtime)
    if not steps:
        yield Check("webhooks", True, "no flow starts in Dynamics 365")
        return
    if not runtime.settings.hook_secret.get_secret_value():
        yield Check("webhooks", True, "are not used: changes in Dynamics 365 are seen by the catch-up only")
        return
    door = door_of(runtime)
    yield await _app(runtime, door)
    registration = Registration(runtime.dataverse, runtime.registrations, dry=True)
    yield _registered([done async for done in registration.register(door, steps)])
    yield await _failed(runtime, registration)
    yield _rotated(runtime)


async def _app(runtime: Runtime, door: Door) -> Check:
    try:
        await knock(runtime, door)
    except (BadSettings, RetryLater) as error:
        return Check("webhooks: the app", False, error.message, error.next_step)
    return Check("webhooks: the app", True, "takes what Dynamics 365 shows")


def _registered(found: list[Done]) -> Check:
    """What `register` would do is what is wrong."""
    wrong = [done for done in found if done.state != "present"]
    told = "; ".join(_told(done) for done in wrong)
    return Check("webhooks: registered", not wrong, told or f"{len(found)} parts, as wanted", REGISTER if wrong else "")


def _told(done: Done) -> str:
    match done.state:
        case "created":
            return f"{done.what} is missing"
        case "deleted":
            return f"{done.what} is not wanted any more"
    return f"{done.what} differs ({', '.join(done.differences)})"


async def _failed(runtime: Runtime, registration: Registration) -> Check:
    """Webhooks that Dataverse gave up: their changes come with the catch-up."""
    name = "webhooks: delivered"
    found = [
        failure
        for endpoint in await registration.endpoints()
        for failure in await failures(
            runtime.dataverse, await registration.steps_of(endpoint["serviceendpointid"]), datetime.now(UTC) - LATELY
        )
    ]
    if not found:
        return Check(name, True, "none was given up in the last day")
    text = f"{sum(each.count for each in found):,} were given up in the last day: " + "; ".join(
        f"{each.count:,} of {each.step}, the last: {each.text}" for each in found
    )
    return Check(name, False, text, "Correct the cause; what they told comes with the next catch-up.")


def _rotated(runtime: Runtime) -> Check:
    old = bool(runtime.settings.hook_secret_old.get_secret_value())
    detail = "the old one is still taken" if old else "one is taken"
    step = "Once `register` has written the new one, remove GP365_HOOK_SECRET_OLD." if old else ""
    return Check("webhooks: secret", True, detail, step)
