"""What a couple is: two records that describe the same thing, what both held when they last agreed, what is being written."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from sync.mapping_model import Side
from sync.value import Value

NONE = "none"
"""A person's answer: none of the records on the other side is this one."""

APPROVED = "approved"
"""A person's answer: it may be written."""

DELETED = "deleted_in_source"
"""The cause under which a record that is gone from its source is parked."""

LEFT = "left_scope"
"""The cause under which a record is parked that takes no part any more."""

UNCOUPLED = "uncoupled"
"""The cause under which a record is parked that a person took from its counterpart."""

ANOTHER = "another_person"
"""The cause under which a record is parked that names another person than its counterpart."""

KILLER = "worker_killed"
"""The cause under which a record is parked whose worker died each time."""


def opposite(side: Side) -> Side:
    """The other side of a pair."""
    return "d365" if side == "gp" else "gp"


A_DAY = timedelta(days=1)

A_FIGHT = 8
"""So many turns within a day are no longer people: two systems put a field back, each after the other."""


@dataclass(frozen=True)
class Agreed:
    """The base of one field: what each side held when it last agreed. `unsure` names the side whose half is a guess."""

    gp: Value
    d365: Value
    unsure: Side | None = None

    def half(self, side: Side) -> Value:
        """What one side held."""
        return self.gp if side == "gp" else self.d365

    @classmethod
    def of(cls, side: Side, own: Value, other: Value, *, unsure: bool = False) -> Self:
        """From the halves as the flow that comes from `side` names them; `unsure`: the target's is a guess."""
        doubt = opposite(side) if unsure else None
        return cls(own, other, doubt) if side == "gp" else cls(other, own, doubt)


@dataclass(frozen=True)
class Planned:
    """One field of an intent: the source's value, the target's value before, the value to be written."""

    source: Value
    old: Value
    new: Value


@dataclass(frozen=True)
class Intent:
    """What a worker is about to write, stored before it writes. `not_after`: the target's own time, as ISO text, from
    which on it cannot land any more; blank where only a fence can tell. `reserved`: the couple named the record before
    already, since a create under its id may still land.
    """

    attempt: str
    message_id: str
    target: str
    create: bool
    version: str
    fields: dict[str, Planned]
    flow: str
    reason: str
    seen_at: str
    not_after: str = ""
    reserved: bool = False


@dataclass(frozen=True)
class Lineage:
    """Where the last write of a record came from: it explains a value and answers a redelivered message."""

    message_id: str
    flow: str
    reason: str
    seen_at: str
    attempt: str


@dataclass(frozen=True)
class Turns:
    """How often a field was written from both sides by turns: `side` is the one it came from last, `since` when that began."""

    side: Side
    count: int
    since: str

    def after(self, side: Side, at: str) -> Self:
        """With one more write, which came from `side`."""
        if datetime.fromisoformat(at) - datetime.fromisoformat(self.since) > A_DAY:
            return replace(self, side=side, count=0, since=at)
        return self if side == self.side else replace(self, side=side, count=self.count + 1)


@dataclass(frozen=True)
class Couple:
    """One GP record and its Dataverse counterpart.

    `key` is GP's, `id` is Dataverse's; one of them is blank while there is no counterpart. `coupled` is true once the
    counterpart is known to be this one; before that, a row without an intent names one only while a create with that
    id may still land. `unmet` is the side whose own fields were not brought over yet since the two were coupled.
    `answer` is what a person said of a record not coupled yet: NONE, APPROVED, or the id or key of the record that it
    is; `take` the side whose values hold where both differ, as a person said, and `granted` whose hold where one asked for
    approval: Dataverse's, and it has what it asked for, or GP's. `identity` is GP's NOTEINDX. `parked` holds the cause for
    which the flow from GP waits for a person, `parked_d365` that of the flow from the other side, `discarded` the one
    that a person let go, until the record is worked again. `turns` has the fields that were written since, by whose
    turn. `lineage` is of the last write; before there was one, of the create that may still land. `etag` is blank for a
    row that does not exist yet. `unnoted`: no row pointed from its identity to any couple when it was looked for; only then
    may it be stored with that identity. `beside` is the row of its own that the counterpart has: it goes into this one when
    both become a couple. `missing` is the side whose record was not found at one look, `gone_from` the one where it was
    missing still at a later one. `stored` is when the row was, by the clock of storage, which tells `age` too. `doubt` is a
    create in GP that was interrupted, where the record under the reserved id may be the one that it made, or another's: a
    person says.
    """

    company: str
    pair: str
    key: str = ""
    id: str = ""
    coupled: bool = False
    identity: str = ""
    base: dict[str, Agreed] = field(default_factory=dict)
    intent: Intent | None = None
    doubt: Intent | None = None
    parked: str = ""
    parked_d365: str = ""
    unmet: Side | None = None
    answer: str = ""
    take: Side | None = None
    granted: Side | None = None
    discarded: str = ""
    lineage: Lineage | None = None
    turns: dict[str, Turns] = field(default_factory=dict)
    missing: Side | None = None
    gone_from: Side | None = None
    etag: str = ""
    age: timedelta = timedelta()
    stored: datetime | None = None
    unnoted: bool = False
    beside: "Couple | None" = None

    @property
    def partition(self) -> str:
        return f"{self.company}.{self.pair}"

    def on(self, side: Side) -> str:
        """Its id on one side."""
        return self.key if side == "gp" else self.id

    def named(self, side: Side, name: str) -> Self:
        """With this id on one side."""
        return replace(self, key=name) if side == "gp" else replace(self, id=name)

    def done_by(self, side: Side) -> Self:
        """With what was to be done from that side done: its own fields brought over, and what a person answered. Where the
        person took the other side, or approved what that one asked for, it has still to do it: the two have not met in all fields.
        """
        other = opposite(side)
        take, granted = (told if told == other else None for told in (self.take, self.granted))
        answer = self.answer if self.answer == APPROVED and side == "gp" else ""
        turns = {} if self.take == side else self.turns
        unmet = None if self.unmet == side and not (take or granted) else self.unmet
        return replace(self, answer=answer, take=take, granted=granted, turns=turns, unmet=unmet)

    def unsaid(self) -> Self:
        """Without what a person said of it."""
        return replace(self, answer="", take=None, granted=None)

    def written(self, side: Side, intent: Intent) -> Self:
        """With the turns of what was written from `side`. What a new record is born with is nobody's turn."""
        if intent.create:
            return self
        begun = Turns(side, 0, intent.seen_at)
        turns = {name: self.turns.get(name, begun).after(side, intent.seen_at) for name in intent.fields}
        return replace(self, turns=self.turns | turns)

    def fights(self, name: str) -> bool:
        """Whether both sides have written a field by turns for so long that a person should look."""
        return name in self.turns and self.turns[name].count >= A_FIGHT

    def joined(self, beside: "Couple | None") -> Self:
        """Together with the row of its own that the counterpart has, what that one waits for, and whether it was approved."""
        if beside is None:
            return self
        side: Side = "gp" if beside.key else "d365"
        answer = beside.answer if beside.answer == APPROVED else self.answer
        return replace(self.with_parked(side, beside.parked_by(side)), answer=answer, beside=beside)

    def parked_by(self, side: Side) -> str:
        """The cause for which the flow from that side waits for a person."""
        return self.parked if side == "gp" else self.parked_d365

    def with_parked(self, side: Side, cause: str) -> Self:
        """With this cause, or none."""
        return replace(self, parked=cause) if side == "gp" else replace(self, parked_d365=cause)

    @property
    def settled_delete(self) -> bool:
        """Whether the counterpart was made inactive already because its source is gone."""
        state = self.base.get("statecode")
        return state is not None and None in (state.gp, state.d365)

    @property
    def gone(self) -> bool:
        """Whether the source no longer holds it, and that is done with or a person's: nothing is left to be lost."""
        return self.settled_delete or DELETED in (self.parked, self.discarded)

    @property
    def chosen(self) -> str:
        """The counterpart that a person chose, or blank."""
        return "" if self.answer in (NONE, APPROVED) else self.answer


@dataclass(frozen=True)
class Outline:
    """A couple without its base. `intent`: the flow by which something is being written; `age`: since the row was stored."""

    key: str
    id: str
    coupled: bool
    parked: str
    parked_d365: str
    discarded: str
    intent: str
    age: timedelta

    def on(self, side: Side) -> str:
        """Its id on one side."""
        return self.key if side == "gp" else self.id

    def parked_by(self, side: Side) -> str:
        """The cause for which the flow from that side waits for a person."""
        return self.parked if side == "gp" else self.parked_d365

    def left_behind(self, older: timedelta) -> bool:
        """Whether its message is lost. A record that kills its worker waits for a person, and not for a sweep."""
        return bool(self.intent) and self.age > older and KILLER not in (self.parked, self.parked_d365)
