"""The body of a webhook: the RemoteExecutionContext as .NET's DataContractJsonSerializer writes it."""

from datetime import UTC, datetime

import simplejson

from sandbox.dataverse.entities import CONTRACTS, Json, Values, date, entity, option, pair, reference
from sandbox.dataverse.environment import Change, Environment
from sandbox.dataverse.events import LINKS, PRE_VALIDATION, Event
from sandbox.dataverse.registration import AFTER, ASYNCHRONOUS, BEFORE, BOTH, POST_OPERATION
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.steps import Image, Step
from sandbox.dataverse.store import Row

NO_ID = "00000000-0000-0000-0000-000000000000"
LIMIT = 256 * 1024
_LARGE = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")
# Set by the platform behind the main operation, so that a subscriber before it does not see them.
_LATE = {"exchangerate", "createdon", "createdby", "modifiedon", "modifiedby", "statecode", "owningbusinessunit"}
_LATE |= {"owninguser", "owningteam"}


def serialised(context: Json) -> tuple[bytes, bool]:
    """A context as it is sent, and whether it was too large and has lost its parameters and images."""
    body = _dumped(context)
    if len(body) <= LIMIT:
        return body, False
    return _dumped({name: value for name, value in context.items() if name not in _LARGE}), True


def _dumped(context: Json) -> bytes:
    text = simplejson.dumps(context, use_decimal=True, ensure_ascii=False, separators=(",", ":"))
    return text.replace("/", "\\/").encode("utf-8", "surrogatepass")


class Contexts:
    """Makes the contexts of one environment."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._values = Values(env.store)

    def of(self, step: Step, event: Event, operation_id: str) -> Json:
        """What a step is told of an event; `operation_id` is the system job's, NO_ID for a synchronous step."""
        asynchronous = step.mode == ASYNCHRONOUS
        before, after = self._images(step, event)
        parameters = self._parameters(event, step.stage)
        output = [pair("id", event.change.row_id)] if event.message == "Create" and step.stage == POST_OPERATION else []
        common = self._common(step, event, operation_id)
        own = {
            "InputParameters": parameters,
            "IsInTransaction": not asynchronous,
            "IsolationMode": 1 if asynchronous else 2,
            "Mode": step.mode,
            "OutputParameters": output,
            "ParentContext": self._parent(common, event, parameters),
            "PostEntityImages": after,
            "PreEntityImages": before,
            "SharedVariables": _shared(event),
            "Stage": step.stage,
        }
        return dict(sorted((common | own).items()))

    def _common(self, step: Step, event: Event, operation_id: str) -> Json:
        change = event.change
        user, initiating = step.user or change.user.id, change.user.id
        several = event.message.endswith("Multiple") or event.message in LINKS
        return {
            "BusinessUnitId": change.user.business_unit,
            "CorrelationId": change.origin.correlation,
            "Depth": change.depth,
            "InitiatingUserAgent": change.origin.agent,
            "InitiatingUserAzureActiveDirectoryObjectId": self._directory_id(initiating),
            "InitiatingUserId": initiating,
            "IsExecutingOffline": False,
            "IsOfflinePlayback": False,
            "MessageName": event.message,
            "OperationCreatedOn": date(datetime.now(UTC), "+0000"),
            "OperationId": operation_id,
            "OrganizationId": self._env.organization_id,
            "OrganizationName": self._env.unique_name,
            "OwningExtension": reference("sdkmessageprocessingstep", step.id, typed=False),
            "PrimaryEntityId": NO_ID if several else change.row_id,
            "PrimaryEntityName": event.entity,
            "RequestId": None,
            "SecondaryEntityName": "none",
            "UserAzureActiveDirectoryObjectId": self._directory_id(user),
            "UserId": user,
        }

    def _parent(self, common: Json, event: Event, parameters: list[Json]) -> Json:
        """The enclosing pipeline: the main operation of the same message."""
        kind = "KeyValuePairOfstringstring:#System.Collections.Generic"
        changed = {"__type": kind, "key": event.change.table.name, "value": event.message}
        shared = [pair("ChangedEntityTypes", [changed])] if event.message == "Update" else []
        own = {
            "InputParameters": [*parameters, pair("SuppressDuplicateDetection", False)],
            "IsInTransaction": True,
            "IsolationMode": 1,
            "Mode": 0,
            "OutputParameters": [],
            "ParentContext": None,
            "PostEntityImages": [],
            "PreEntityImages": [],
            "SharedVariables": [*_shared(event), *shared],
            "Stage": 30,
        }
        return dict(sorted((common | own).items()))

    def _directory_id(self, user_id: str) -> str:
        row = self._env.store.get(self._env.table("systemuser"), user_id)
        return str(row["azureactivedirectoryobjectid"] or NO_ID) if row else NO_ID

    def _parameters(self, event: Event, stage: int) -> list[Json]:
        change = event.change
        me = reference(change.table.name, change.row_id)
        match event.message:
            case "CreateMultiple" | "UpdateMultiple":
                return [pair("Targets", self._collection(event, stage))]
            case "Create" | "Update":
                return [pair("Target", self._target(change, event.sent, stage))]
            case "SetState" | "SetStateDynamicEntity":
                assert change.after is not None
                state, status = (option(change.after[name]) for name in ("statecode", "statuscode"))
                return [pair("EntityMoniker", me), pair("State", state), pair("Status", status)]
            case "Assign":
                assert change.after is not None
                return [pair("Target", me), pair("Assignee", self._values.of(change.table, "ownerid", change.after))]
            case "Associate" | "Disassociate":
                return [pair("Target", me), *_link(change)]
            case "Merge":
                return [pair("Target", me), *(pair(name, self._extra(v)) for name, v in change.extra.items())]
        return [pair("Target", me)]

    def _extra(self, value: object) -> object:
        """A parameter of an action: a part of a row comes as table, id and values."""
        if not isinstance(value, tuple):
            return value
        table, row_id, row = value
        return entity(table, row_id, [pair(name, self._values.of(table, name, row)) for name in row if "$" not in name])

    def _collection(self, event: Event, stage: int) -> Json:
        entities = [self._target(change, change.sent, stage, typed=False) for change in event.changes]
        return {
            "__type": f"EntityCollection:{CONTRACTS}",
            "Entities": entities,
            "EntityName": event.change.table.name,
            "MinActiveRowVersion": None,
            "MoreRecords": False,
            "PagingCookie": None,
            "TotalRecordCount": -1,
            "TotalRecordCountLimitExceeded": False,
        }

    def _target(self, change: Change, sent: frozenset[str], stage: int, *, typed: bool = True) -> Json:
        assert change.after is not None
        row = change.after | change.asked if stage == PRE_VALIDATION else change.after
        names = (
            _created(change.table, row, sent, stage) if change.message == "Create" else _updated(change, sent, stage)
        )
        attributes = [pair(name, self._values.of(change.table, name, row)) for name in names]
        return entity(change.table, change.row_id, attributes, typed=typed)

    def _images(self, step: Step, event: Event) -> tuple[list[Json], list[Json]]:
        change = event.change
        if event.message.endswith("Multiple") or event.message in LINKS:
            return [], []
        before = [self._image(image, change, change.before) for image in step.images if image.kind in {BEFORE, BOTH}]
        after = [self._image(image, change, change.after) for image in step.images if image.kind in {AFTER, BOTH}]
        if step.mode == ASYNCHRONOUS:
            after.insert(0, self._primary_name(change))
        return before, after

    def _image(self, image: Image, change: Change, row: Row | None) -> Json:
        table = change.table
        assert row is not None
        wanted = dict.fromkeys([table.primary_id, *(image.columns or table.columns)])
        names = [name for name in wanted if row.get(name) is not None and not table.columns[name].write_only]
        attributes = [pair(name, self._values.of(table, name, row, named=True)) for name in names]
        texts = [
            pair(name, text) for name in names if (text := self._values.text(table.columns[name], row)) is not None
        ]
        shown = entity(table, change.row_id, attributes, texts, typed=False)
        return pair(image.alias, shown | {"RowVersion": str(row["versionnumber"])})

    def _primary_name(self, change: Change) -> Json:
        row = change.after or change.before
        assert row is not None
        table = change.table
        names = [name for name in (table.primary_name, table.primary_id) if name]
        attributes = [pair(name, row.get(name)) for name in names]
        return pair("AsynchronousStepPrimaryName", entity(table, change.row_id, attributes, typed=False))


def _created(table: Table, row: Row, sent: frozenset[str], stage: int) -> list[str]:
    """The columns of a Create's target: those sent, and what the server has filled in by then."""

    def shown(name: str, column: Column) -> bool:
        if name in sent:
            return True
        late = stage == PRE_VALIDATION and (name in _LATE or column.base)
        return row.get(name) is not None and name != "versionnumber" and not late

    return [name for name, column in table.columns.items() if not column.write_only and shown(name, column)]


def _updated(change: Change, sent: frozenset[str], stage: int) -> list[str]:
    """The columns of an Update's target: those sent, whether their values are new or not."""
    table = change.table
    stamps = ("modifiedon", "modifiedby", "modifiedonbehalfby") if stage != PRE_VALIDATION else ()
    names = [*sorted(sent), table.primary_id, *(name for name in stamps if name in table.columns)]
    return [name for name in dict.fromkeys(names) if not table.columns[name].write_only]


def _link(change: Change) -> list[Json]:
    """Which relationship links the target to which rows."""
    table, row_id = change.extra["RelatedEntities"]
    kind = {"__type": f"Relationship:{CONTRACTS}", "PrimaryEntityRole": None}
    relationship = kind | {"SchemaName": change.extra["Relationship"]}
    return [pair("Relationship", relationship), pair("RelatedEntities", [reference(table.name, row_id)])]


def _shared(event: Event) -> list[Json]:
    origin = event.change.origin
    found = [pair("IsAutoTransact", True)]
    if event.message == "Create":
        found.append(pair("DefaultsAddedFlag", True))
    if origin.change_set:
        found.append(pair("IsODataTransaction", True))
        found.append(pair("ODataChangesetRequestCount", origin.change_set))
    return [*found, pair("tag", event.change.tag)] if event.change.tag else found
