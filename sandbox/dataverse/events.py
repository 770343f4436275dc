"""What a committed or coming write says to subscribers: messages with the columns they are about."""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.dataverse.environment import Change, Switches
from sandbox.dataverse.registration import POST_OPERATION

STATE = frozenset({"statecode", "statuscode"})
PRE_VALIDATION, PRE_OPERATION = 10, 20
LINKS = ("Associate", "Disassociate")
"""Messages that are no table's own."""


@dataclass(frozen=True)
class Event:
    """One message. `changes` is one write, or those of a bulk request; `sent` are the columns that it is about."""

    message: str
    changes: tuple[Change, ...]
    sent: frozenset[str]

    @property
    def entity(self) -> str:
        """The table that the message is of, `none` for one that is no table's own."""
        return "none" if self.message in LINKS else self.change.table.name

    @property
    def change(self) -> Change:
        return self.changes[0]


def events_of(change: Change, stage: int, switches: Switches) -> list[Event]:
    """The messages one write raises in a stage.

    A state changed together with other columns raises two Updates, from the stage PreOperation on.
    """
    if change.message != "Update" or stage == PRE_VALIDATION:
        return [Event(change.message, (change,), change.sent)]
    state, others = change.sent & STATE, change.sent - STATE
    found = [Event("Update", (change,), others)] if others or not state else []
    if state and switches.special_updates != "own":
        found.append(Event("Update", (change,), state))
    if switches.special_updates != "update":
        found += [Event(name, (change,), state) for name in ("SetState", "SetStateDynamicEntity") if state]
        found += [Event("Assign", (change,), others)] if "ownerid" in others else []
    return found


def bulk_events(changes: Iterable[Change]) -> list[Event]:
    """The CreateMultiple and UpdateMultiple that writes raise: one for all rows of a request, a single row too."""
    groups: dict[tuple[int, str, str], list[Change]] = {}
    for change in changes:
        if change.message in {"Create", "Update"}:
            groups.setdefault((id(change.origin), change.table.name, change.message), []).append(change)
    return [
        Event(f"{message}Multiple", tuple(group), frozenset().union(*(change.sent for change in group)))
        for (_, _, message), group in groups.items()
    ]


def stages(*, done: bool) -> tuple[int, ...]:
    """The stages that run before a write is done, or after it."""
    return (POST_OPERATION,) if done else (PRE_VALIDATION, PRE_OPERATION)
