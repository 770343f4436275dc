"""What `doctor` looks at in Dataverse: sign-in, rights, columns, the alternate key."""

from collections.abc import AsyncIterator, Collection, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sync.errors import CODES, SyncError
from sync.mapping import Mapping
from sync.system import Check
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.environment import kept_days
from sync.systems.dataverse.provision import changes_tracked, column_exists, key_state

SKEW = 60.0
"""Seconds by which the clocks may differ before it is said."""


async def check(
    client: DataverseClient, mappings: Iterable[Mapping], tracked: Collection[str] = ()
) -> AsyncIterator[Check]:
    """One line per thing looked at. Never raises SyncError: what fails is a line. `tracked`: tables whose changes we read."""
    try:
        response = await client.send("GET", "/WhoAmI")
    except SyncError as error:
        yield Check("Dataverse: sign-in", False, error.message, error.next_step)
        return
    yield Check("Dataverse: sign-in", True, f"signed in at {client.url}")
    yield _clock(response.headers.get("Date", ""))
    for mapping in mappings:
        async for line in _table(client, mapping):
            yield line
    for entity in tracked:
        yield await _tracking(client, entity)


async def _table(client: DataverseClient, mapping: Mapping) -> AsyncIterator[Check]:
    side = mapping.dataverse
    name = f"Dataverse: {side.entity}"
    try:
        missing = [column for column in side.columns if not await column_exists(client, side.entity, column)]
        yield _columns(name, missing)
        state = await key_state(client, side.entity, side.key)
        good = state == "Active"
        yield Check(f"{name}: alternate key", good, state, "" if good else "Run `python -m sync provision`.")
        if not missing:
            columns = ",".join((*mapping.attributes, side.key, side.mark))
            await client.get(f"/{side.set}?$top=1&$select={columns}")
            yield Check(f"{name}: can be read", True, f"{len(mapping.attributes)} mapped columns")
    except SyncError as error:
        yield Check(name, False, error.message, error.next_step)


async def _tracking(client: DataverseClient, entity: str) -> Check:
    name = f"Dataverse: {entity}: changes are tracked"
    try:
        on = await changes_tracked(client, entity)
        days = await kept_days(client)
    except SyncError as error:
        return Check(name, False, error.message, error.next_step)
    detail = f"Dataverse keeps them for {days} days" if on else "switched off"
    return Check(name, on, detail, "" if on else CODES["tracking_off"].next_step)


def _columns(name: str, missing: list[str]) -> Check:
    if missing:
        return Check(f"{name}: our columns", False, f"missing: {', '.join(missing)}", "Run `python -m sync provision`.")
    return Check(f"{name}: our columns", True, "present")


def _clock(date: str) -> Check:
    if not date:
        return Check("Dataverse: clock", True, "not told")
    skew = abs((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
    step = "" if skew <= SKEW else "Set this machine's clock by a time server."
    return Check("Dataverse: clock", skew <= SKEW, f"{skew:.0f} s apart from ours", step)
