"""A webhook's body, the JSON of a RemoteExecutionContext, as events.

.NET writes it in its own way: pairs as lists of `{"key", "value"}`, times as `/Date(milliseconds)/`, choices, amounts
and references as objects. Bodies over 256 KB come without parameters and images; a column that is empty is not in an
image. Nothing here is believed but which record it is about: what is worked is read afresh.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import simplejson
from pydantic import BaseModel, Field, ValidationError

from sync.errors import Rejected
from sync.event import Event, Happened
from sync.mapping import Mapping as PairMapping
from sync.system import Identity
from sync.systems.dataverse.rows import column, hints_from
from sync.value import Value

IMAGE = "gp365"
"""The alias of the images that `register` makes."""

SINGLE: dict[str, Happened] = {
    "Create": "created",
    "Update": "updated",
    "SetState": "updated",
    "SetStateDynamicEntity": "updated",
    "Assign": "updated",
    "Delete": "deleted",
}
MULTIPLE: dict[str, Happened] = {
    "CreateMultiple": "created",
    "UpdateMultiple": "updated",
    "UpsertMultiple": "updated",
    "DeleteMultiple": "deleted",
}
LINKS = ("Associate", "Disassociate")
KNOWN = frozenset({*SINGLE, *MULTIPLE, *LINKS, "Merge"})
"""The messages that make events; any other makes none."""

_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = UUID(int=0)


class _Pair(BaseModel):
    key: str
    value: Any = None


class _Context(BaseModel):
    """What is read of it; the rest may be whatever it is."""

    organization: UUID = Field(alias="OrganizationId")
    message: str = Field(alias="MessageName", min_length=1, max_length=200)
    entity: str = Field("", alias="PrimaryEntityName")
    id: UUID = Field(_NOBODY, alias="PrimaryEntityId")
    created: str = Field("", alias="OperationCreatedOn")
    parameters: tuple[_Pair, ...] | None = Field((), alias="InputParameters")
    before: tuple[_Pair, ...] | None = Field((), alias="PreEntityImages")
    after: tuple[_Pair, ...] | None = Field((), alias="PostEntityImages")

    def parameter(self, *names: str) -> Any:
        return next((pair.value for pair in self.parameters or () if pair.key in names), None)


class _Entity(BaseModel):
    """An Entity or an EntityReference."""

    id: UUID = Field(alias="Id")
    entity: str = Field(alias="LogicalName")
    attributes: tuple[_Pair, ...] = Field((), alias="Attributes")


@dataclass(frozen=True)
class Told:
    """What a webhook told: by which environment, with which message, about which records."""

    identity: Identity
    message: str
    events: tuple[Event, ...]


def read(body: bytes, mappings: Iterable[PairMapping]) -> Told:
    """What a body tells; each event with the values that routing by `mappings` needs, if they came along.

    Raises Rejected (`webhook_unreadable`) with what is wrong, and none of the body's values.
    """
    context = _parsed(_Context, _json(body))
    if context.organization == _NOBODY:
        raise _unreadable("OrganizationId is zero")
    identity = Identity("dataverse", {"organization": str(context.organization)})
    return Told(identity, context.message, tuple(_events(context, list(mappings))))


def _events(context: _Context, mappings: list[PairMapping]) -> Iterator[Event]:
    at = _moment(context.created) or datetime.now(UTC)

    def event(one: _Entity, change: Happened, *, into: str = "", values: Table[str, Any] | None = None) -> Event:
        known = None if values is None else _hints(one.entity, values, mappings)
        return Event(one.entity, str(one.id), change, "webhook", at, known, into)

    if change := SINGLE.get(context.message):
        yield event(_subject(context), change, values=_values(context, change))
    elif context.message == "Merge":
        master = _subject(context)
        yield event(master, "updated", values=_values(context, "updated"))
        if subordinate := context.parameter("SubordinateId"):
            merged = _parsed(_Entity, {"Id": subordinate, "LogicalName": master.entity})
            yield event(merged, "merged", into=str(master.id))
    elif change := MULTIPLE.get(context.message):
        for one in _list(context.parameter("Targets")):
            yield event(one, change, values=_attributes(one) if change == "created" else None)
    elif context.message in LINKS:
        for one in (_subject(context), *_list(context.parameter("RelatedEntities"))):
            yield event(one, "updated")


def _subject(context: _Context) -> _Entity:
    """The record that a message is about: of a link it is named by the target alone."""
    if context.id != _NOBODY and context.entity not in ("", "none"):
        return _Entity(Id=context.id, LogicalName=context.entity)
    one = _parsed(_Entity, context.parameter("Target", "EntityMoniker"))
    if one.id == _NOBODY:
        raise _unreadable("it names no record")
    return one


def _values(context: _Context, change: Happened) -> dict[str, Any] | None:
    """The record's columns in the Web API's form, where all that routing needs came along: a create tells them itself,
    else our own image does.
    """
    images = context.before if change == "deleted" else context.after
    image = next((_parsed(_Entity, pair.value) for pair in images or () if pair.key == IMAGE), None)
    target = context.parameter("Target") if change in ("created", "updated") else None
    if image is None and (target is None or change != "created"):
        return None
    known = _attributes(image) if image else {}
    return known | (_attributes(_parsed(_Entity, target)) if target else {})


def _attributes(one: _Entity) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in one.attributes}


def _plain(value: Any) -> Any:
    match value:
        case {"Value": plain}:  # a choice or an amount
            return plain
        case [{"Value": _}, *_]:  # several choices
            return ",".join(str(each.get("Value")) for each in value if isinstance(each, dict))
        case {"Id": id_, "LogicalName": _}:  # a reference
            return id_
        case dict() | list():  # a collection: nothing is routed by it
            return None
    return value


def _hints(entity: str, values: Table[str, Any], mappings: Iterable[PairMapping]) -> dict[str, Value] | None:
    """The values that routing needs, typed; None, so that they are read, when one of them is none of its type."""
    hints: dict[str, Value] = {}
    for mapping in mappings:
        if mapping.dataverse.entity == entity:
            try:
                hints |= hints_from(mapping, _row(mapping, values)) or {}
            except (ValueError, ArithmeticError):
                return None
    return hints


def _row(mapping: PairMapping, values: Table[str, Any]) -> dict[str, Any]:
    """The columns that routing needs, as the Web API writes them; what did not come is empty."""
    row: dict[str, Any] = {}
    for name in mapping.routing:
        told = values.get(name)
        if mapping.attribute(name).type == "DateTime" and told is not None:
            moment = _moment(str(told))
            told = moment.isoformat() if moment else str(told)
        row[column(mapping, name)] = told
    return row


def _moment(text: str) -> datetime | None:
    found = _DATE.fullmatch(text)
    try:
        return _EPOCH + timedelta(milliseconds=int(found[1])) if found else None
    except OverflowError:
        return None


def _list(value: Any) -> list[_Entity]:
    """The members of an EntityCollection, or of a list of references."""
    members = value.get("Entities") if isinstance(value, Mapping) else value
    if members is not None and not isinstance(members, list):
        raise _unreadable("its list of records is none")
    return [_parsed(_Entity, each) for each in members or ()]


def _json(body: bytes) -> Any:
    # Content-Type names no charset; the body is UTF-8 all the same.
    try:
        return simplejson.loads(body.decode(), use_decimal=True, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _unreadable("it is no JSON in UTF-8") from None


def _no_number(_: str) -> None:
    raise ValueError("not a number")


def _parsed[M: BaseModel](model: type[M], value: Any) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = sorted(
            {".".join(str(part) for part in fault["loc"]) or model.__name__[1:] for fault in error.errors()}
        )
        raise _unreadable(f"missing or malformed: {', '.join(faults[:5])}") from None


def _unreadable(what: str) -> Rejected:
    return Rejected(f"The body is no RemoteExecutionContext: {what}.", code="webhook_unreadable", system="dataverse")
