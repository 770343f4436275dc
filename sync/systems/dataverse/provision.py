"""Makes the columns and alternate keys that a mapping needs, through the metadata API. Idempotent.

Dataverse runs one customisation at a time per environment and answers "busy" meanwhile; a new column or key may take
seconds to be seen. Both are waited for.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception, retry_if_result, stop_after_delay, wait_exponential

from sync.errors import BadSettings, Rejected, RetryLater
from sync.mapping import Mapping
from sync.mapping_model import Column
from sync.systems.dataverse.client import DataverseClient

PUBLISHER = "gp365"
SOLUTION = "GP365"
OPTION_PREFIX = 36500
PATIENCE = 300.0
"""Seconds to wait for a customisation lock or a key's index."""

_STRONG = {"Consistency": "Strong"}


@dataclass(frozen=True)
class Step:
    """One thing that was looked at: already there, created, or waiting."""

    what: str
    state: str


async def provision(client: DataverseClient, mapping: Mapping) -> AsyncIterator[Step]:
    """Make what is missing for one mapping, step by step. Raises BadSettings when a right is missing or a key fails."""
    yield await _publisher(client)
    yield await _solution(client)
    entity = mapping.dataverse.entity
    for name, column in mapping.dataverse.columns.items():
        yield await _column(client, entity, name, column)
    yield await _key(client, entity, mapping.dataverse.key)


async def track_changes(client: DataverseClient, entity: str) -> Step:
    """Have Dataverse track what changes in a table. It can't be switched off again. Raises BadSettings when it refuses."""
    what = f"tracking of {entity}"
    if await changes_tracked(client, entity):
        return Step(what, "present")
    path = f"/EntityDefinitions(LogicalName='{entity}')"
    whole = await client.get(path, _STRONG)  # a definition is replaced as a whole, never in part
    body = {name: value for name, value in whole.items() if not name.startswith("@odata.")}
    try:
        await _patiently("PUT", client, path, body | {"ChangeTrackingEnabled": True}, {"MSCRM.MergeLabels": "true"})
    except Rejected as error:
        raise BadSettings(
            f"Dataverse does not track what changes in {entity}, and refuses to: {error.message}",
            code="tracking_off",
            system="dataverse",
            entity=entity,
        ) from error
    return Step(what, "created")


async def changes_tracked(client: DataverseClient, entity: str) -> bool:
    found = await client.get(f"/EntityDefinitions(LogicalName='{entity}')?$select=ChangeTrackingEnabled", _STRONG)
    return bool(found["ChangeTrackingEnabled"])


async def key_state(client: DataverseClient, entity: str, column: str) -> str:
    """The index state of the alternate key on `column`: Active, Pending, InProgress, Failed, or "missing"."""
    found = await client.get(f"/EntityDefinitions(LogicalName='{entity}')/Keys", _STRONG)
    for key in found["value"]:
        if key["KeyAttributes"] == [column]:
            return str(key["EntityKeyIndexStatus"])
    return "missing"


async def column_exists(client: DataverseClient, entity: str, column: str) -> bool:
    path = f"/EntityDefinitions(LogicalName='{entity}')/Attributes(LogicalName='{column}')?$select=LogicalName"
    return await _get_or_none(client, path) is not None


async def _publisher(client: DataverseClient) -> Step:
    found = await client.get(f"/publishers?$select=publisherid&$filter=uniquename eq '{PUBLISHER}'")
    if found["value"]:
        return Step(f"publisher {PUBLISHER}", "present")
    body = {
        "uniquename": PUBLISHER,
        "friendlyname": "GP365",
        "customizationprefix": PUBLISHER,
        "customizationoptionvalueprefix": OPTION_PREFIX,
    }
    await _patiently("POST", client, "/publishers", body)
    return Step(f"publisher {PUBLISHER}", "created")


async def _solution(client: DataverseClient) -> Step:
    found = await client.get(f"/solutions?$select=solutionid&$filter=uniquename eq '{SOLUTION}'")
    if found["value"]:
        return Step(f"solution {SOLUTION}", "present")
    publishers = await client.get(f"/publishers?$select=publisherid&$filter=uniquename eq '{PUBLISHER}'")
    publisher = publishers["value"][0]["publisherid"]
    body = {
        "uniquename": SOLUTION,
        "friendlyname": "GP365",
        "version": "1.0.0.0",
        "publisherid@odata.bind": f"/publishers({publisher})",
    }
    await _patiently("POST", client, "/solutions", body)
    return Step(f"solution {SOLUTION}", "created")


async def _column(client: DataverseClient, entity: str, name: str, column: Column) -> Step:
    what = f"column {entity}.{name}"
    if await column_exists(client, entity, name):
        return Step(what, "present")
    await _create(client, f"/EntityDefinitions(LogicalName='{entity}')/Attributes", _definition(name, column))
    return Step(what, "created")


async def _key(client: DataverseClient, entity: str, column: str) -> Step:
    what = f"alternate key on {entity}.{column}"
    state = await key_state(client, entity, column)
    if state == "Active":
        return Step(what, "present")
    if state == "missing":
        body = {"SchemaName": f"{column}_key", "DisplayName": _label("GP365 key"), "KeyAttributes": [column]}
        await _create(client, f"/EntityDefinitions(LogicalName='{entity}')/Keys", body)
    await _until_active(client, entity, column)
    return Step(what, "created")


async def _until_active(client: DataverseClient, entity: str, column: str) -> None:
    waiting = AsyncRetrying(
        stop=stop_after_delay(PATIENCE),
        wait=wait_exponential(0.5, max=5),
        retry=retry_if_result(lambda state: state in {"Pending", "InProgress", "missing"}),
        retry_error_callback=lambda call: call.outcome and call.outcome.result(),
    )
    state: str = await waiting(key_state, client, entity, column)
    if state != "Active":
        raise BadSettings(
            f"The alternate key on {entity}.{column} is {state}, not active: two rows may hold the same value.",
            code="key_missing",
            system="dataverse",
            entity=entity,
        )


async def _create(client: DataverseClient, path: str, body: dict[str, Any]) -> None:
    """Create a component in our solution; one that appeared meanwhile is a success."""
    try:
        await _patiently("POST", client, path, body, {"MSCRM.SolutionUniqueName": SOLUTION})
    except Rejected as error:
        if "already exists" not in error.message and "not unique" not in error.message:
            raise


async def _patiently(
    method: str, client: DataverseClient, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> None:
    again = AsyncRetrying(
        stop=stop_after_delay(PATIENCE),
        wait=wait_exponential(0.5, max=10),
        retry=retry_if_exception(lambda error: isinstance(error, RetryLater)),
        reraise=True,
    )
    await again(client.send, method, path, body=body, headers=headers)


async def _get_or_none(client: DataverseClient, path: str) -> dict[str, Any] | None:
    try:
        return await client.get(path, _STRONG)
    except Rejected as error:
        if error.details.startswith("HTTP 404"):
            return None
        raise


def _definition(name: str, column: Column) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "@odata.type": f"Microsoft.Dynamics.CRM.{column.type}AttributeMetadata",
        "SchemaName": name,
        "DisplayName": _label(column.label),
        "RequiredLevel": {"Value": "None"},
    }
    return definition | _details(column)


def _details(column: Column) -> dict[str, Any]:
    match column.type:
        case "String":
            return {"MaxLength": column.max_length, "FormatName": {"Value": "Text"}}
        case "Memo":
            return {"MaxLength": column.max_length, "Format": "TextArea"}
        case "Money":
            return {"PrecisionSource": 2}
        case "Decimal":
            return {"Precision": 5}
        case "DateTime":
            return {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}
        case "Boolean":
            choice: dict[str, Any] = {
                "TrueOption": _option(1, "Yes"),
                "FalseOption": _option(0, "No"),
                "OptionSetType": "Boolean",
            }
            return {"DefaultValue": False, "OptionSet": choice}
        case "Picklist":
            choice = {
                "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
                "IsGlobal": False,
                "OptionSetType": "Picklist",
                "Options": [_option(value, label) for value, label in column.options.items()],
            }
            return {"OptionSet": choice}
        case "Integer":
            return {"MinValue": -(2**31), "MaxValue": 2**31 - 1, "Format": "None"}


def _option(value: int, label: str) -> dict[str, Any]:
    return {"Value": value, "Label": _label(label)}


def _label(text: str) -> dict[str, Any]:
    local = {"@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel", "Label": text, "LanguageCode": 1033}
    return {"@odata.type": "Microsoft.Dynamics.CRM.Label", "LocalizedLabels": [local]}
