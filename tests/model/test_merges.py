"""A customer follows its account through merges over seeded histories; each rule for it is needed."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sync.following import Following
from sync.planning import Case
from sync.stores.couple import Agreed
from sync.succeeding import Succeeding
from sync.succession import Succession
from tests.model.history import dice
from tests.model.merges import Merges
from tests.model.pool import flow_and_mapping

HISTORIES = int(os.environ.get("GP365_MODEL_HISTORIES", "20000")) // 80
ENOUGH = 600
"""In so many histories each rule that is left out shows."""


def play(seed: int) -> int:
    """One history; how many accounts were merged. Raises Broken."""
    flow, mapping = flow_and_mapping(both_ways=True)
    with dice(seed):
        history = Merges(seed, mapping, flow)
        history.play()
    return history.merges


def play_all(histories: int) -> int:
    """The first histories, one after the other; how many accounts they merged."""
    return sum(play(seed) for seed in range(histories))


def test_no_merge_makes_a_second_record_or_leaves_a_customer_behind(tell: Callable[[str], None]) -> None:
    merges = play_all(HISTORIES)
    tell(f"model: {HISTORIES} histories with {merges:,} merged accounts")


def no_following(patch: pytest.MonkeyPatch) -> None:
    async def heirs(_self: Succession, _run: Any, cases: Sequence[Case], _target: object) -> list[Case]:
        return list(cases)

    patch.setattr(Succession, "heirs", heirs)


def a_master_is_a_new_customer(patch: pytest.MonkeyPatch) -> None:
    async def inherited(_self: Succession, _run: Any, cases: Sequence[Case], _source: object) -> list[Case]:
        return list(cases)

    patch.setattr(Succession, "inherited", inherited)


def the_merged_account_keeps_the_key(patch: pytest.MonkeyPatch) -> None:
    async def freed(_self: Following, *_: object) -> bool:
        return True

    patch.setattr(Following, "_freed", freed)


def a_master_is_taken_from_its_customer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Succeeding, "_owner", lambda *_: "")


def the_base_is_that_of_the_merged_account(patch: pytest.MonkeyPatch) -> None:
    def inherited(_self: Succeeding, _name: str, agreed: Agreed, _record: object) -> Agreed:
        return agreed

    patch.setattr(Succeeding, "_inherited", inherited)


@pytest.mark.parametrize(
    "leave_out",
    [
        no_following,
        a_master_is_a_new_customer,
        the_merged_account_keeps_the_key,
        a_master_is_taken_from_its_customer,
        the_base_is_that_of_the_merged_account,
    ],
)
def test_each_rule_is_needed(leave_out: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out(monkeypatch)
    with pytest.raises(AssertionError):  # Broken, or no rest at all
        play_all(ENOUGH)
