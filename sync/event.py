"""A change in Dataverse, as a webhook or the change-tracking delta told it: which record, and never its values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sync.message import Reason
from sync.value import Value

type Happened = Literal["created", "updated", "deleted", "merged"]
"""What became of the record. `merged`: another one took its place."""


@dataclass(frozen=True)
class Event:
    """ "This record changed, seen this way, then". `entity` is a Dataverse table's logical name, `id` a GUID in lower case.

    `values` are those that came along, by logical name and in the types that the mapping compares; an attribute that is
    not among them is empty. They are hints for routing, never worked; None when none came. `into` is the record that a
    merged one went into.
    """

    entity: str
    id: str
    change: Happened
    seen_by: Reason
    at: datetime
    values: Mapping[str, Value] | None = None
    into: str = ""
