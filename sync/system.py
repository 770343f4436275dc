"""What every system offers to the line: records, changes, writes and their verdicts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sync.errors import SyncError
from sync.value import Value

type FeedKind = Literal["change_tracking", "timestamp", "webhook", "delta"]
"""The kind of feed that saw a change."""


@dataclass(frozen=True)
class Record:
    """One record as a system holds it now.

    `key` is the canonical key in that system (GP: the id as `sync.keys.canonical` spells it; Dataverse: the GUID in
    lower case). `values` holds one value per path the mapping reads ("CUSTNAME", "bill_to.CITY"). `version` is what a
    conditional write needs (Dataverse: the ETag). `identity` tells a key that was given to another record (GP:
    NOTEINDX). `mark` is the attempt that wrote it last. `written_by_us` is true when our own user modified it last.
    `changed` is when it was last changed by the system's own clock, None where the record does not tell. `successor` is
    the record that this one was merged into.
    """

    key: str
    values: dict[str, Value]
    version: str = ""
    identity: str = ""
    mark: str = ""
    written_by_us: bool = False
    changed: datetime | None = None
    successor: str = ""


@dataclass(frozen=True)
class Change:
    """ "This key of this entity changed, seen this way": never a payload."""

    entity: str
    key: str
    seen_by: FeedKind
    deleted: bool = False


@dataclass(frozen=True)
class Ask:
    """What to read from a target in one go: records by their `ids`, by the source's `keys`, and `alike`: per group of
    attributes the values that some record may hold in them.
    """

    ids: Sequence[str] = ()
    keys: Sequence[str] = ()
    alike: Mapping[tuple[str, ...], Collection[tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What an `Ask` found: `by_id`, `by_key` (of the source), and all that is `alike`, perhaps with some that is not.

    `at` is the target's own time of the read, UTC, where a write must end before a time on that clock (GP).
    """

    by_id: dict[str, Record]
    by_key: dict[str, Record]
    alike: list[Record]
    at: datetime | None = None


@dataclass(frozen=True)
class Write:
    """One record to write: `values` by target attribute. An update names the `version` it was decided on.

    `key` is the source's key: a create stores it in the target's key column, and so does an update with `claim`, of a
    record that held none. `parent` is the target's id of the record that a new one belongs to. Where a version
    alone does not tell (GP), `seen` is the record as it was read, and nothing is
    written when it is another by now, or when the target's clock is past `not_after` (UTC).
    """

    id: str
    values: dict[str, Value]
    mark: str
    create: bool = False
    claim: bool = False
    version: str = ""
    key: str = ""
    seen: Record | None = None
    not_after: datetime | None = None
    parent: str = ""


@dataclass(frozen=True)
class Reference:
    """What the record `id` refers to by one of its columns: the id of another one, blank for none. `version` is what a
    conditional write needs.
    """

    id: str
    to: str
    version: str


@dataclass(frozen=True)
class Page:
    """A page of a system's keys, and the place after it: blank when it was the last one."""

    keys: list[str]
    after: str


@dataclass(frozen=True)
class Identity:
    """What tells an environment from a copy of it: `facts` by name, in words, blank where it does not tell.

    `version` is a count that only grows in one and the same environment, None where there is none; `seen` is the
    highest one seen before.
    """

    system: str
    facts: dict[str, str]
    version: int | None = None
    seen: int | None = None

    @property
    def went_back(self) -> bool:
        """Whether it is an older copy, or its count was begun anew."""
        return self.version is not None and self.seen is not None and self.version < self.seen

    @property
    def told(self) -> str:
        """In words."""
        version = [] if self.version is None else [f"change version {self.version:,}"]
        return ", ".join([*(f"{name} {fact or 'unknown'}" for name, fact in self.facts.items()), *version])


class Outcome(StrEnum):
    WRITTEN = "written"
    CHANGED = "changed"  # known not to have landed: the target moved since it was read
    EXISTS = "exists"  # a create whose id, or a key that, is there already
    GONE = "gone"
    REFUSED = "refused"  # known not to have landed, for a reason that is not the record's: it is tried again later
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """What became of one `Write`. `kept` is what the target holds now, None where it could not be read back surely."""

    id: str
    outcome: Outcome
    kept: Record | None = None
    error: SyncError | None = None


@dataclass(frozen=True)
class Check:
    """One line of `doctor`: what was looked at, whether it is well, and what to do when it isn't."""

    name: str
    ok: bool
    detail: str
    next_step: str = ""
    data: dict[str, str] = field(default_factory=dict)
