"""What a couple is: two records that describe the same thing, what both held when they last agreed, what is being written."""

from dataclasses import dataclass, field
from datetime import timedelta

from sync.value import Value

NONE = "none"
"""A person's answer: none of the records in Dataverse is this one."""

DELETED = "deleted_in_source"
"""The cause under which a record that is gone from its source is parked."""

KILLER = "worker_killed"
"""The cause under which a record is parked whose worker died each time."""


@dataclass(frozen=True)
class Agreed:
    """The base of one field: what each side held when it last agreed. `unsure`: the target half is a guess."""

    source: Value
    target: Value
    unsure: bool = False


@dataclass(frozen=True)
class Planned:
    """One field of an intent: the source's value, the target's value before, the value to be written."""

    source: Value
    old: Value
    new: Value


@dataclass(frozen=True)
class Intent:
    """What a worker is about to write, stored before it writes."""

    attempt: str
    message_id: str
    target: str
    create: bool
    version: str
    fields: dict[str, Planned]
    flow: str
    reason: str
    seen_at: str


@dataclass(frozen=True)
class Lineage:
    """Where the last write of a record came from: it explains a value and answers a redelivered message."""

    message_id: str
    flow: str
    reason: str
    seen_at: str
    attempt: str


@dataclass(frozen=True)
class Couple:
    """One GP record and its Dataverse counterpart.

    `id` is the Dataverse id or blank. `coupled` is true once the counterpart is known to be this one; before that, a
    row without an intent has an id only while a create with that id may still land. `answer` is what a person said of
    a record not coupled yet: NONE, or the id of the Dataverse record that it is. `identity` is GP's NOTEINDX. `parked`
    holds the cause while a person must look, `discarded` the one that a person let go, until the record is worked
    again. `etag` is blank for a row that does not exist yet.
    """

    company: str
    pair: str
    key: str
    id: str = ""
    coupled: bool = False
    identity: str = ""
    base: dict[str, Agreed] = field(default_factory=dict)
    intent: Intent | None = None
    parked: str = ""
    answer: str = ""
    discarded: str = ""
    lineage: Lineage | None = None
    etag: str = ""
    age: timedelta = timedelta()

    @property
    def partition(self) -> str:
        return f"{self.company}.{self.pair}"

    @property
    def settled_delete(self) -> bool:
        """Whether the counterpart was made inactive already because its source is gone."""
        state = self.base.get("statecode")
        return state is not None and state.source is None

    @property
    def gone(self) -> bool:
        """Whether the source no longer holds it, and that is done with or a person's: nothing is left to be lost."""
        return self.settled_delete or DELETED in (self.parked, self.discarded)

    @property
    def chosen(self) -> str:
        """The Dataverse id that a person chose, or blank."""
        return "" if self.answer == NONE else self.answer


@dataclass(frozen=True)
class Outline:
    """A couple without its base. `intent`: the flow by which something is being written; `age`: since the row was stored."""

    key: str
    id: str
    coupled: bool
    parked: str
    discarded: str
    intent: str
    age: timedelta

    def on(self, system: str) -> str:
        """Its key in one system."""
        return self.key if system == "gp" else self.id

    def left_behind(self, older: timedelta) -> bool:
        """Whether its message is lost. A record that kills its worker waits for a person, and not for a sweep."""
        return bool(self.intent) and self.age > older and self.parked != KILLER
