"""Unbound functions and actions that are no metadata: who am I, versions, totals, publishing."""

import re
from collections.abc import Callable

from sandbox.dataverse import errors
from sandbox.dataverse.customizing import Customizing
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.grammar import parse_literal
from sandbox.dataverse.literals import Literal
from sandbox.dataverse.merging import Merging
from sandbox.dataverse.odata import Segment
from sandbox.dataverse.store import quoted
from sandbox.dataverse.wire import Call, Reply

VERSION = "9.2.25011.00154"


def _who_am_i(env: Environment, call: Call, _segment: Segment, _options: dict[str, str]) -> Reply:
    what = f"{call.root}/$metadata#{errors.TYPE}WhoAmIResponse"
    ids = {"BusinessUnitId": call.user.business_unit, "UserId": call.user.id}
    return Reply(200, {}, {"@odata.context": what, **ids, "OrganizationId": env.organization_id})


def _version(_env: Environment, call: Call, _segment: Segment, _options: dict[str, str]) -> Reply:
    what = f"{call.root}/$metadata#{errors.TYPE}RetrieveVersionResponse"
    return Reply(200, {}, {"@odata.context": what, "Version": VERSION})


def _organization(env: Environment, call: Call, _segment: Segment, _options: dict[str, str]) -> Reply:
    what = f"{call.root}/$metadata#{errors.TYPE}RetrieveCurrentOrganizationResponse"
    root = call.root.split("/api/")[0]
    detail = {
        "OrganizationId": env.organization_id,
        "FriendlyName": "GP365 sandbox",
        "OrganizationVersion": VERSION,
        "UniqueName": env.unique_name,
        "State": "Enabled",
        "Endpoints": {"Count": 1, "Keys": ["WebApplication"], "Values": [f"{root}/"]},
    }
    return Reply(200, {}, {"@odata.context": what, "Detail": detail})


def _total(env: Environment, call: Call, segment: Segment, options: dict[str, str]) -> Reply:
    argument = parse_total_names(segment, options)
    counts = []
    for name in argument:
        table = env.schema.table(name)
        if table is None:
            raise errors.invalid_argument(f"The entity with a name = '{name}' was not found.")
        call.user.need("Read", table)
        counts.append(int(str(env.store.scalar(f"SELECT count(*) FROM {quoted(name)}"))))
    collection = {"Count": len(counts), "IsReadOnly": False, "Keys": argument, "Values": counts}
    what = f"{call.root}/$metadata#{errors.TYPE}RetrieveTotalRecordCountResponse"
    return Reply(200, {}, {"@odata.context": what, "EntityRecordCountCollection": collection})


def parse_total_names(segment: Segment, options: dict[str, str]) -> list[str]:
    """The table names given to RetrieveTotalRecordCount, in the parentheses or by a parameter alias."""
    text = (segment.key or "").partition("=")[2]
    text = options.get(text, text).replace('"', "'")
    literal = parse_literal(text) if text else Literal(None, "null")
    if not isinstance(literal.value, tuple):
        raise errors.bad_query("The parameter 'EntityNames' must be a collection of names.")
    return [str(item.value) for item in literal.value]


def _publish_all(_env: Environment, call: Call) -> Reply:
    call.user.need_named("prvPublishCustomization", "none")
    return Reply()


def _publish(env: Environment, call: Call) -> Reply:
    call.user.need_named("prvPublishCustomization", "none")
    xml = str(_parameters(call, "ParameterXml").get("ParameterXml", ""))
    for name in re.findall(r"<entity>([^<]*)</entity>", xml):
        if env.schema.table(name) is None:
            raise errors.invalid_argument(f"The entity with a name = '{name}' was not found.")
    if "<importexportxml" not in xml:
        raise errors.invalid_argument("The parameter 'ParameterXml' is not an importexportxml document.")
    return Reply()


def _parameters(call: Call, *known: str) -> dict[str, object]:
    """The parameters of an action. Raises DataverseError for one that is not imitated or does not exist."""
    body = call.json()
    for name in body.keys() - known:
        error = errors.DataverseError(400, "0x80048d19", f"The parameter '{name}' is not declared.")
        raise errors.Unsupported("parameter", name, error)
    return body


def _insert_option(env: Environment, call: Call) -> Reply:
    names = ("EntityLogicalName", "AttributeLogicalName", "Value", "Label", "SolutionUniqueName")
    value = Customizing(env, call).insert_option(_parameters(call, *names))
    what = f"{call.root}/$metadata#{errors.TYPE}InsertOptionValueResponse"
    return Reply(200, {}, {"@odata.context": what, "NewOptionValue": value})


def _reactivate_key(env: Environment, call: Call) -> Reply:
    call.user.need_named("prvWriteEntity", "entity")
    body = _parameters(call, "EntityLogicalName", "EntityKeyLogicalName")
    table = env.schema.table(str(body.get("EntityLogicalName", "")))
    if table is None:
        raise errors.invalid_argument(f"The entity '{body.get('EntityLogicalName')}' was not found.")
    Customizing(env, call).reactivate_key(table, str(body.get("EntityKeyLogicalName", "")))
    return Reply()


def _create_tables(env: Environment, call: Call) -> Reply:
    """CreateEntities, which Microsoft's Python SDK uses; the answer's shape is unconfirmed."""
    tables = call.json().get("Entities")
    if not isinstance(tables, list):
        raise errors.invalid_argument("A collection 'Entities' is expected.")
    ids = [Customizing(env, call).create_table(_plain(table)).metadata_id for table in tables]
    what = f"{call.root}/$metadata#{errors.TYPE}CreateEntitiesResponse"
    return Reply(200, {}, {"@odata.context": what, "EntityIds": ids})


def _plain(table: dict[str, object]) -> dict[str, object]:
    """A complex definition with its columns' types as POST EntityDefinitions names them."""
    columns = table.get("Attributes")
    if not isinstance(columns, list):
        return table
    named = [
        {**column, "@odata.type": str(column.get("@odata.type", "")).replace(".Complex", ".")} for column in columns
    ]
    return {**table, "Attributes": named}


FUNCTIONS: dict[str, Callable[[Environment, Call, Segment, dict[str, str]], Reply]] = {
    "WhoAmI": _who_am_i,
    "RetrieveVersion": _version,
    "RetrieveCurrentOrganization": _organization,
    "RetrieveTotalRecordCount": _total,
}


def _merge(env: Environment, call: Call) -> Reply:
    body = _parameters(call, "Target", "Subordinate", "UpdateContent", "PerformParentingChecks")
    parts = [body.get(name) or {} for name in ("Target", "Subordinate", "UpdateContent")]
    checks = body.get("PerformParentingChecks", False)
    if not all(isinstance(part, dict) for part in parts) or not isinstance(checks, bool):
        raise errors.DataverseError(400, "0x80048d19", "Error identified in Payload: rows and a flag are expected.")
    Merging(env, call).run(*parts, checks_parents=checks)
    return Reply()


ACTIONS: dict[str, Callable[[Environment, Call], Reply]] = {
    "PublishAllXml": _publish_all,
    "PublishXml": _publish,
    "InsertOptionValue": _insert_option,
    "ReactivateEntityKey": _reactivate_key,
    "CreateEntities": _create_tables,
    "Merge": _merge,
}
