"""One organization: its store, its users, its switches, and what happens when a row changes."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sandbox.dataverse.access import User
from sandbox.dataverse.schema import Schema, Table
from sandbox.dataverse.store import Row, Store
from sandbox.door import Counts, Gaps

MESSAGES = ("Create", "Update", "Delete", "CreateMultiple", "UpdateMultiple", "UpsertMultiple")


class Switches(BaseModel):
    """Behaviour that the reference leaves unconfirmed, or that differs between environments."""

    model_config = ConfigDict(extra="forbid")

    create_keeps_state: bool = False
    expand_collections_inline: bool = False
    no_bulk: list[str] = []
    key_reads: int = 1


class Rule(BaseModel):
    """A synchronous plug-in on Create and Update of a table: it rewrites a column's text, or refuses
    rows that send the column, saying `text`."""

    model_config = ConfigDict(extra="forbid")

    table: str
    column: str
    do: Literal["upper", "trim", "collapse", "refuse"]
    text: str = ""


@dataclass(frozen=True)
class Change:
    """A committed write, as event subscribers get it: `sent` are the columns of the request."""

    message: str
    table: Table
    row_id: str
    sent: frozenset[str]
    before: Row | None
    after: Row | None
    user: User
    tag: str = ""


class Environment:
    """What all operations share. `subscribers` are called after a commit, once for each changed row."""

    def __init__(self, store: Store, gaps: Gaps, counts: Counts) -> None:
        self.store, self.gaps, self.counts = store, gaps, counts
        self.subscribers: list[Callable[[Change], None]] = []
        self.customizing = False
        self._changes: list[Change] = []
        self.organization_id = self._kept_id("organization")
        self.business_unit = self._kept_id("businessunit")
        self.currency = self._kept_id("transactioncurrency")
        self.system = User(self._kept_id("systemuser"), self.business_unit)
        self.switches = Switches.model_validate(store.setting("switches", {}))
        self.rules = [Rule.model_validate(rule) for rule in self._list("rules")]

    @property
    def schema(self) -> Schema:
        return self.store.schema

    def _kept_id(self, what: str) -> str:
        known = self.store.setting(f"id.{what}")
        if known is None:
            known = str(uuid.uuid4())
            self.store.set(f"id.{what}", known)
        return str(known)

    def become_another(self) -> None:
        """Go on with the same rows under a new OrganizationId, as a copy in another environment does."""
        before, self.organization_id = self.organization_id, str(uuid.uuid4())
        self.store.update(self.schema.table("organization"), before, {"organizationid": self.organization_id})
        self.store.set("id.organization", self.organization_id)

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

    def changed(self, change: Change) -> None:
        """Remember a write of the running transaction."""
        self._changes.append(change)

    def committed(self) -> None:
        """Tell the subscribers; called when the transaction has ended well."""
        self.customizing = False
        changes, self._changes = self._changes, []
        for change in changes:
            self.counts.add(f"operations {change.message.lower()}")
            for subscriber in self.subscribers:
                subscriber(change)

    def rolled_back(self) -> None:
        """Forget the writes of the running transaction, and the definitions it may have changed in memory."""
        self._changes = []
        if self.customizing:
            self.store.reload()
            self.customizing = False
