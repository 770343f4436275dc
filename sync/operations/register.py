"""Registers the app's webhooks in Dataverse, takes them away, and says how they are."""

from collections.abc import AsyncIterator

import httpx

from sync.errors import BadSettings, RetryLater
from sync.runtime import Runtime, from_dataverse
from sync.systems.dataverse.client import trusting
from sync.systems.dataverse.registration import Done, Registration
from sync.systems.dataverse.wanted import Door, Step, steps

PATIENCE = 30.0
"""Seconds to wait for the app's own answer: it may have to start first."""


async def register(runtime: Runtime, *, dry: bool = False, rotate: bool = False) -> AsyncIterator[Done]:
    """Bring the webhooks to what the mappings need, step by step; `dry`: only tell.

    Before anything is written the app is asked whether it takes the secret, so that no webhook is refused. Raises
    BadSettings when a setting is missing or the app does not take it.
    """
    door = door_of(runtime)
    if not dry:
        await knock(runtime, door)
    registration = Registration(runtime.dataverse, runtime.registrations, dry=dry)
    async for done in registration.register(door, wanted(runtime), rotate=rotate):
        yield done


async def unregister(runtime: Runtime, *, dry: bool = False) -> AsyncIterator[Done]:
    """Take our steps away, and our endpoint with its secret."""
    async for done in Registration(runtime.dataverse, runtime.registrations, dry=dry).unregister():
        yield done


def wanted(runtime: Runtime) -> list[Step]:
    """The steps that the mappings need; none where no flow starts in Dataverse."""
    return steps(from_dataverse(runtime.flows, runtime.mappings))


def door_of(runtime: Runtime) -> Door:
    """Where webhooks go, by the settings. Raises BadSettings naming those that are missing."""
    settings = runtime.settings
    given = {
        "GP365_HOOK_URL": settings.hook_url,
        "GP365_HOOK_KEY": settings.hook_key.get_secret_value(),
        "GP365_HOOK_SECRET": settings.hook_secret.get_secret_value(),
    }
    if missing := [name for name, value in given.items() if not value]:
        raise BadSettings(f"Webhooks need {', '.join(missing)}.", code="setting_missing")
    return Door(*given.values())


async def knock(runtime: Runtime, door: Door) -> None:
    """Ask the app whether it takes what webhooks will show. Raises BadSettings when not, RetryLater without an answer."""
    url = runtime.settings.hook_inside_url or door.url
    ca_file = runtime.settings.ca_file
    verify = trusting(ca_file) if ca_file else True
    try:
        async with httpx.AsyncClient(verify=verify, timeout=PATIENCE, trust_env=False) as http:
            answer = await http.get(url, headers=door.headers)
    except httpx.HTTPError as error:
        text = f"The app at {url} did not answer ({type(error).__name__})."
        raise RetryLater(text, code="system_unreachable", system="app") from error
    if answer.status_code != 204:
        text = f"The app at {url} does not take webhooks: it answered {answer.status_code}. {_why(answer.status_code)}"
        raise BadSettings(text, code="webhook_refused", system="app")


def _why(status: int) -> str:
    match status:
        case 401:
            return "It does not know GP365_HOOK_SECRET yet, or GP365_HOOK_KEY is wrong."
        case 404:
            return "The address is wrong, or the app runs without GP365_HOOK_SECRET."
    return ""
