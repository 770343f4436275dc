"""Which slots of a gate an instance takes, keeps and gives back. Pure: a view and a need in, a change out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync.stores.gates import NEVER, Change, Slot, View


@dataclass(frozen=True)
class Times:
    """Seconds. A slot is leased for `lease`, used until `margin` before its end; after `idle` without a call slots are
    given back, but for one that may `rest`. While calling, an instance looks at the gate every `look`.
    """

    lease: float = 30
    margin: float = 6
    rest: float = 600
    idle: float = 10
    look: float = 2
    want: float = 10

    def scaled(self, scale: float) -> "Times":
        """Shorter leases for the sandbox, whose processes are killed often; storage tells the time in whole seconds."""
        lease = max(10, self.lease * scale)
        return replace(
            self, lease=lease, margin=lease / 5, idle=min(self.idle, lease / 2), rest=max(60, self.rest * scale)
        )


@dataclass(frozen=True)
class Need:
    """What an instance asks for: its calls in progress, and those of each kind in progress or waiting."""

    running: int = 0
    running_bulk: int = 0
    interactive: int = 0
    bulk: int = 0
    idle: bool = False


@dataclass(frozen=True)
class Capacity:
    """How many calls may be in progress at once, everywhere; the last quarter is for interactive ones only."""

    slots: int

    @property
    def bulk(self) -> int:
        return self.slots - self.slots // 4


def capacity(limit: int, advised: int) -> Capacity:
    """The limit we keep, and what the system advises if that is less."""
    return Capacity(min(limit, advised) if advised else limit)


@dataclass(frozen=True)
class Plan:
    """What to do at the gate. `leaving`: slots that no new call may use. `starving`: calls wait while all slots are with
    others.
    """

    change: Change
    leaving: frozenset[int] = frozenset()
    starving: bool = False


def plan(view: View, me: str, need: Need, limit: int, times: Times) -> Plan:
    """What an instance does next."""
    room = capacity(limit, view.hold.advised)
    mine = [slot for slot in view.slots.values() if slot.owner == me and slot.until > view.now]
    if need.idle:
        return Plan(Change(keep=tuple(_retire(view, mine, room, times))))
    share = _share(view, me, room)
    leaving = _surplus(mine, need, room, share)
    given = _unused(leaving, mine, need, room)
    left = [slot for slot in mine if slot not in given]
    take, starving = _take(view, left, need, room, share)
    until = view.now + timedelta(seconds=times.lease)
    keep = [Slot(slot.number, etag=slot.etag) for slot in given]
    if _due(view, left, times):
        keep += [replace(slot, until=until, rest=False) for slot in left if not _rests(view, slot, times)]
    want = view.now + timedelta(seconds=times.want) if starving and _unsaid(view, me, times) else None
    change = Change(tuple(keep), tuple(replace(slot, owner=me, until=until) for slot in take), want=want)
    return Plan(change, frozenset(slot.number for slot in leaving), starving)


def _share(view: View, me: str, room: Capacity) -> int:
    """An even part for every instance that calls or waits; resting ones do neither."""
    owners = {slot.owner for slot in view.slots.values() if slot.until > view.now and not slot.rest}
    waiting = {owner for owner, until in view.wants.items() if until > view.now}
    return max(1, room.slots // len((owners | waiting | {me}) - {""}))


def _due(view: View, mine: Sequence[Slot], times: Times) -> bool:
    """Whether a lease has run for a third of its time."""
    return any(slot.until - view.now < timedelta(seconds=times.lease * 2 / 3) for slot in mine)


def _rests(view: View, slot: Slot, times: Times) -> bool:
    return slot.rest and slot.until - view.now > timedelta(seconds=times.lease)


def _surplus(mine: Sequence[Slot], need: Need, room: Capacity, share: int) -> list[Slot]:
    """The slots beyond the capacity, and those beyond the share."""
    ordered = sorted(mine, key=lambda slot: _last_wanted(slot, need, room))
    return [slot for place, slot in enumerate(ordered) if slot.number >= room.slots or len(mine) - place > share]


def _unused(leaving: Sequence[Slot], mine: Sequence[Slot], need: Need, room: Capacity) -> list[Slot]:
    """What of the surplus can be given back without stopping a call."""
    spare = len(mine) - need.running
    spare_bulk = sum(slot.number < room.bulk for slot in mine) - need.running_bulk
    given: list[Slot] = []
    for slot in leaving:
        bulk = slot.number < room.bulk
        if len(given) < spare and (not bulk or spare_bulk > 0):
            given.append(slot)
            spare_bulk -= bulk
    return given


def _last_wanted(slot: Slot, need: Need, room: Capacity) -> tuple[bool, bool, int]:
    """Sorts first what is given back first: beyond the capacity, then the kind that fewer calls can use."""
    reserved = slot.number >= room.bulk
    return slot.number < room.slots, reserved == bool(need.interactive), -slot.number


def _take(view: View, held: Sequence[Slot], need: Need, room: Capacity, share: int) -> tuple[list[Slot], bool]:
    """Free slots up to the need and the share, the reserved quarter first, and only, for interactive calls; and whether
    the others must be told, who count an instance by its slots.
    """
    reserved_held = sum(slot.number >= room.bulk for slot in held)
    # A reserved slot is no help to calls of the bulk kind.
    useless = max(0, reserved_held - need.interactive)
    missing = min(share, need.interactive + min(need.bulk, room.bulk)) - (len(held) - useless)
    if missing <= 0:
        return [], False
    free = [slot for slot in (_slot(view, number) for number in range(room.slots)) if slot.until <= view.now]
    quarter = [slot for slot in free if slot.number >= room.bulk][: max(0, need.interactive - reserved_held)][:missing]
    rest = [slot for slot in free if slot.number < room.bulk][: missing - len(quarter)]
    counted = any(not slot.rest for slot in held) or quarter or rest
    return quarter + rest, not counted


def _slot(view: View, number: int) -> Slot:
    slot = view.slots.get(number, Slot(number))
    return slot if slot.owner else replace(slot, until=NEVER)


def _unsaid(view: View, me: str, times: Times) -> bool:
    said: datetime = view.wants.get(me, NEVER)
    return said - view.now < timedelta(seconds=times.want / 3)


def _retire(view: View, mine: Sequence[Slot], room: Capacity, times: Times) -> list[Slot]:
    """An idle instance gives back what it holds; one slot that bulk calls can't use it keeps, for its next poll."""
    kept = next((slot for slot in mine if room.bulk <= slot.number < room.slots), None)
    changes = [Slot(slot.number, etag=slot.etag) for slot in mine if slot is not kept]
    rest = timedelta(seconds=times.rest)
    if kept and not (kept.rest and kept.until - view.now > rest / 5):
        changes.append(replace(kept, until=view.now + rest, rest=True))
    return changes
