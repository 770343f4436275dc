"""Which slots are taken, kept and given back."""

from datetime import timedelta

import pytest

from sync.slots import Need, Times, capacity, plan
from sync.stores.gates import Hold, Slot, View
from tests.fakes import START

SOON = START + timedelta(seconds=25)


def view(*owners: str, advised: int = 0, **wants: int) -> View:
    slots = {number: Slot(number, owner, SOON, etag="e") for number, owner in enumerate(owners) if owner}
    return View(START, slots, Hold(advised=advised), {name: START + timedelta(seconds=s) for name, s in wants.items()})


def freed(view: View, need: Need, limit: int = 8) -> list[int]:
    return [slot.number for slot in plan(view, "me", need, limit, Times()).change.keep if not slot.owner]


def taken(view: View, need: Need, limit: int = 8) -> list[int]:
    return [slot.number for slot in plan(view, "me", need, limit, Times()).change.take]


@pytest.mark.parametrize(("limit", "bulk"), [(1, 1), (3, 3), (4, 3), (7, 6), (8, 6), (52, 39)])
def test_the_last_quarter_is_a_whole_number(limit: int, bulk: int) -> None:
    assert capacity(limit, 0).bulk == bulk


def test_a_slot_beyond_what_the_system_advises_goes_even_within_the_share() -> None:
    assert freed(view("", "", "", "", "", "me", advised=4), Need(interactive=1)) == [5]
    assert freed(view("", "", "", "", "", "me", advised=8), Need(interactive=1)) == []


def test_bulk_calls_take_none_of_the_quarter_and_interactive_ones_take_it_first() -> None:
    assert taken(view(), Need(bulk=9)) == [0, 1, 2, 3, 4, 5]
    assert taken(view(), Need(interactive=3)) == [6, 7, 0]


def test_an_instance_that_waits_has_its_part_kept_for_it() -> None:
    assert len(taken(view(), Need(interactive=9))) == 8
    assert len(taken(view(you=5), Need(interactive=9))) == 4
    assert len(taken(view(you=-1), Need(interactive=9))) == 8


def test_a_slot_in_use_is_not_given_back() -> None:
    mine = view("me", "me", "me", "me", you=5)
    assert freed(mine, Need(running=4, running_bulk=4, bulk=4), limit=4) == []
    assert len(freed(mine, Need(running=3, running_bulk=2, bulk=2, interactive=1), limit=4)) == 1


def test_only_an_instance_without_a_slot_says_that_it_waits() -> None:
    full = ["you"] * 4
    assert plan(view(*full), "me", Need(interactive=1), 4, Times()).starving
    assert not plan(view(*full[:3], "me"), "me", Need(interactive=3), 4, Times()).starving
