"""A customer whose id is changed keeps its account over seeded histories; each rule for it is needed."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sync import renaming
from sync.plan import Planner
from sync.planning import Case
from sync.renaming import Renaming
from sync.stores import couple_rows
from sync.stores.couple import Couple
from tests.model.history import Broken, dice
from tests.model.id_changes import IdChanges
from tests.model.pool import flow_and_mapping

HISTORIES = int(os.environ.get("GP365_MODEL_HISTORIES", "20000")) // 40
ENOUGH = 600
"""In so many histories each rule that is left out shows."""


def play(seed: int) -> int:
    """One history; how many ids it changed. Raises Broken."""
    flow, mapping = flow_and_mapping()
    with dice(seed):
        history = IdChanges(seed, mapping, flow)
        history.play()
    return history.changes


def play_all(histories: int) -> int:
    """The first histories, one after the other; how many ids they changed."""
    return sum(play(seed) for seed in range(histories))


def test_no_changed_id_makes_a_second_account_or_loses_one(tell: Callable[[str], None]) -> None:
    changes = play_all(HISTORIES)
    tell(f"model: {HISTORIES} histories with {changes:,} changed ids")


def no_following(patch: pytest.MonkeyPatch) -> None:
    async def follow(_self: Renaming, _run: Any, cases: Sequence[Case], _source: object) -> list[Case]:
        return list(cases)

    patch.setattr(Renaming, "follow", follow)


def a_delete_acts_at_once(patch: pytest.MonkeyPatch) -> None:
    async def living(_self: Renaming, _run: Any, cases: Sequence[Case], _source: object) -> list[Case]:
        return list(cases)

    patch.setattr(Renaming, "_living", living)


def the_pointer_is_overwritten(patch: pytest.MonkeyPatch) -> None:
    note = couple_rows._note
    patch.setattr(couple_rows, "_note", lambda old, new: [("upsert", *each[1:]) for each in note(old, new)])


def a_reserved_id_is_not_taken_along(patch: pytest.MonkeyPatch) -> None:
    def is_former(case: Case, old: Couple) -> bool:
        return old.coupled and old.key != case.key

    patch.setattr(renaming, "_is_former", is_former)


def the_key_is_not_claimed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Planner, "_carries_key", lambda *_: True)


@pytest.mark.parametrize(
    "leave_out",
    [
        no_following,
        a_delete_acts_at_once,
        the_pointer_is_overwritten,
        a_reserved_id_is_not_taken_along,
        the_key_is_not_claimed,
    ],
)
def test_each_rule_is_needed(leave_out: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out(monkeypatch)
    with pytest.raises(Broken):
        play_all(ENOUGH)
