"""One organization: its store, its users, its switches, and what happens when a row changes."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from sandbox.dataverse.access import User
from sandbox.dataverse.schema import Schema, Table
from sandbox.dataverse.store import Row, Store
from sandbox.door import Counts, Gaps

MESSAGES = (
    *("Create", "Update", "Delete", "CreateMultiple", "UpdateMultiple", "UpsertMultiple"),
    *("Assign", "SetState", "SetStateDynamicEntity", "Merge", "Associate", "Disassociate", "Win", "Lose"),
)
MERGED = ("account", "contact")
"""The tables whose rows can be merged."""


class Switches(BaseModel):
    """Behaviour that the reference leaves unconfirmed, or that differs between environments.

    `special_updates` says what a change of state or owner raises: an Update, its own message (SetState, Assign) for
    the state, or both. `addresses_touch_parents`: a change of an address row 1 or 2 raises its account's version.
    `failed_jobs_wait`: a webhook that was not taken is tried once more later before its job fails.
    """

    model_config = ConfigDict(extra="forbid")

    create_keeps_state: bool = False
    expand_collections_inline: bool = False
    max_depth: int = 8
    no_bulk: list[str] = []
    addresses_touch_parents: bool = False
    failed_jobs_wait: bool = False
    special_updates: Literal["update", "own", "both"] = "update"
    key_reads: int = 1


class Rule(BaseModel):
    """A synchronous plug-in on a table's messages `on`: it rewrites a column's text, or refuses rows that send the
    column, saying `text`."""

    model_config = ConfigDict(extra="forbid")

    table: str
    column: str
    do: Literal["upper", "trim", "collapse", "phone", "refuse"]
    text: str = ""
    on: list[Literal["Create", "Update"]] = ["Create", "Update"]


@dataclass(frozen=True)
class Origin:
    """The request that writes come from. `change_set` counts the members of its change set, 0 outside of one."""

    correlation: str = field(default_factory=lambda: str(uuid.uuid4()))
    agent: str = ""
    change_set: int = 0


@dataclass(frozen=True)
class Change:
    """A write, as event subscribers get it.

    `sent` are the columns of the request and `asked` its values, before plug-ins rewrote them; `depth` counts the
    operations it is nested in; `extra` are further parameters of its message.
    """

    message: str
    table: Table
    row_id: str
    sent: frozenset[str]
    before: Row | None
    after: Row | None
    user: User
    tag: str = ""
    origin: Origin = field(default_factory=Origin)
    depth: int = 1
    asked: Row = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """A write that is coming, or one that is `done`."""

    change: Change
    done: bool


class Ids:
    """Ids of new rows. Work that is done again gets those it had."""

    def __init__(self) -> None:
        self._made: list[str] = []
        self._next = 0

    def rewind(self, *, keep: bool) -> None:
        """Begin a piece of work, the same one again to `keep` its ids."""
        self._next = 0
        if not keep:
            self._made = []

    def new(self) -> str:
        if self._next == len(self._made):
            self._made.append(str(uuid.uuid4()))
        self._next += 1
        return self._made[self._next - 1]


class Environment:
    """What all operations share. `moments` are the writes of the running transaction, in order."""

    def __init__(self, store: Store, gaps: Gaps, counts: Counts) -> None:
        self.store, self.gaps, self.counts = store, gaps, counts
        self.ids = Ids()
        self.customizing = False
        self.moments: list[Moment] = []
        self.organization_id = self._kept_id("organization")
        self.business_unit = self._kept_id("businessunit")
        self.currency = self._kept_id("transactioncurrency")
        self.system = User(self._kept_id("systemuser"), self.business_unit)
        self.switches = Switches.model_validate(store.setting("switches", {}))
        self.rules = [Rule.model_validate(rule) for rule in self._list("rules")]

    @property
    def schema(self) -> Schema:
        return self.store.schema

    def table(self, name: str) -> Table:
        """A table that every environment has."""
        found = self.schema.table(name)
        assert found is not None
        return found

    def _kept_id(self, what: str) -> str:
        known = self.store.setting(f"id.{what}")
        if known is None:
            known = str(uuid.uuid4())
            self.store.set(f"id.{what}", known)
        return str(known)

    def restored(self) -> None:
        """All was put back, the OrganizationId with it."""
        self.organization_id = self._kept_id("organization")

    def become_another(self) -> None:
        """Go on with the same rows under a new OrganizationId, as a copy in another environment does."""
        before, self.organization_id = self.organization_id, str(uuid.uuid4())
        self.store.update(self.schema.table("organization"), before, {"organizationid": self.organization_id})
        self.store.set("id.organization", self.organization_id)

    @property
    def unique_name(self) -> str:
        """The organization's unique name."""
        return f"unq{self.organization_id.replace('-', '')[:29]}"

    def now(self) -> str:
        """The present moment as stored in rows."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _list(self, name: str) -> list[object]:
        value = self.store.setting(name, [])
        assert isinstance(value, list)
        return value

    def switch(self, changes: dict[str, object]) -> None:
        """Set some switches. Raises pydantic.ValidationError for one it does not have."""
        self.switches = Switches.model_validate({**self.switches.model_dump(), **changes})
        self.store.set("switches", self.switches.model_dump())

    def set_rules(self, rules: list[Rule]) -> None:
        """Replace the registered plug-ins."""
        self.rules = rules
        self.store.set("rules", [rule.model_dump() for rule in rules])

    def changing(self, change: Change) -> None:
        """Remember a write that is about to be done in the running transaction."""
        self.moments.append(Moment(change, done=False))

    def changed(self, change: Change) -> None:
        """Remember a write of the running transaction."""
        self.moments.append(Moment(change, done=True))

    def committed(self) -> None:
        """Count the writes; called when the transaction has ended well."""
        self.customizing = False
        moments, self.moments = self.moments, []
        for moment in moments:
            if moment.done:
                self.counts.add(f"operations {moment.change.message.lower()}")

    def rolled_back(self) -> None:
        """Forget the writes of the running transaction, and the definitions it may have changed in memory."""
        self.moments = []
        if self.customizing:
            self.store.reload()
            self.customizing = False
