"""Which kills are still to come."""

from collections import Counter
from typing import Any, cast

from tests.chaos.kills import Kills
from tests.chaos.troubles import TROUBLES, Trouble

FIRST, SECOND = [trouble for trouble in TROUBLES if trouble.kills][:2]


async def nothing(_: Trouble) -> bool:
    return False


def kills(*planned: tuple[Trouble, int], done: dict[str, int], in_vain: dict[str, int] | None = None) -> Kills:
    made = Kills(cast("Any", None), nothing)
    made._planned, made._done, made._in_vain = list(planned), Counter(done), Counter(in_vain or {})
    return made


def test_a_seam_that_is_planned_twice_is_left_until_it_was_struck_twice() -> None:
    planned = ((FIRST, 0), (SECOND, 1), (FIRST, 2))
    assert kills(*planned, done={FIRST.seam: 1})._left() == [(SECOND, 1), (FIRST, 2)]
    assert kills(*planned, done={FIRST.seam: 2, SECOND.seam: 1})._left() == []


def test_a_kill_after_which_nothing_could_be_taken_back_does_not_count() -> None:
    assert kills(done={FIRST.seam: 2}, in_vain={FIRST.seam: 2}).struck == Counter()
    assert kills(done={FIRST.seam: 2}, in_vain={FIRST.seam: 1}).struck == Counter({FIRST.seam: 1})
