"""Rules that keep two directions apart, each left out in turn."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync import outcomes as outcomes_module
from sync import settle as settle_module
from sync import settling as settling_module
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.pipeline import Pipeline
from sync.plan import Case, Plan, Planner
from sync.settle import Found, Settlement
from sync.settling import Settling
from sync.stores.couple import Agreed, Couple
from sync.system import Verdict, Write
from sync.way import FromGp, ToGp
from tests.model.sabotage import nothing_left_listed
from tests.model.systems import SteppedGp

type Patch = pytest.MonkeyPatch


def base_moved_for_unwritten_fields(patch: Patch) -> None:
    """What the target kept becomes the base of every field."""
    committed = settle_module.committed

    def moved(couple: Couple, side: Any, kept: Any) -> Couple:
        done = committed(couple, side, kept)
        base = {name: Agreed.of(side, old.half(side), kept[name]) for name, old in done.base.items() if kept}
        return replace(done, base=done.base | base)

    patch.setattr(outcomes_module, "committed", moved)


def _writes(patch: Patch, otherwise: Any) -> None:
    """GP takes other writes than those that were sent."""
    one = SteppedGp._one

    def sent(self: SteppedGp, company: str, mapping: Mapping, write: Write) -> Verdict:
        return one(self, company, mapping, otherwise(write, self.records.get((company, write.id))))

    patch.setattr(SteppedGp, "_one", sent)


def update_if_exists(patch: Patch) -> None:
    """A create of an id that exists is an update, as eConnect does it unless it is told not to."""
    _writes(patch, lambda write, there: replace(write, create=False, seen=there) if write.create and there else write)


def no_precondition_in_gp(patch: Patch) -> None:
    _writes(patch, lambda write, there: write if write.create else replace(write, seen=there))


def no_not_after(patch: Patch) -> None:
    _writes(patch, lambda write, _: replace(write, not_after=None))


def echo_by_user(patch: Patch) -> None:
    """What our own user changed last is an echo."""
    plan = Planner.plan

    def ours(self: Planner, case: Case) -> Plan:
        if case.source and case.source.written_by_us:
            return Plan(case, case.couple, "our own write")
        return plan(self, case)

    patch.setattr(Planner, "plan", ours)


def the_other_directions_intent_settled(patch: Patch) -> None:
    settle = Settling.settle

    def mine(run: Run, case: Case) -> Case:
        if case.couple.intent is None:
            return case
        intent = replace(case.couple.intent, target=run.flow.target, not_after="")
        return replace(case, couple=replace(case.couple, intent=intent))

    async def as_own(self: Settling, run: Run, cases: Sequence[Case]) -> Any:
        return await settle(self, run, [mine(run, case) for case in cases])

    patch.setattr(Settling, "settle", as_own)


def no_look_at_a_parked_row(patch: Patch) -> None:
    async def nothing(*_: Any) -> list[str]:
        return []

    nothing_left_listed(patch)
    patch.setattr(Pipeline, "_decided", nothing)


def a_blank_is_a_value(patch: Patch) -> None:
    """Where two records meet, the side that leads has its blanks too."""
    for way in (FromGp, ToGp):
        patch.setattr(way, "filled", lambda *_: {})


def an_empty_mark_is_anothers(patch: Patch) -> None:
    """A write without our mark has not landed."""
    patch.setattr(settle_module, "_by_value", lambda missed, *_: Settlement(missed))


def an_unknown_create_is_a_strangers(patch: Patch) -> None:
    """What stands under a reserved id without our mark, and is not half of what was sent, is another's."""
    settle = settle_module.settle

    def without_doubt(*arguments: Any) -> Settlement:
        settlement = settle(*arguments)
        if settlement.couple.doubt is None:
            return settlement
        return replace(settlement, couple=replace(settlement.couple, doubt=None).named("gp", ""))

    patch.setattr(settling_module, "settle", without_doubt)


def no_patience_with_gps_clock(patch: Patch) -> None:
    """A write is over when GP's clock says so, though that may be put back."""
    settle = settle_module.settle

    def at_once(couple: Couple, side: Any, found: Found, message: str, visibility: Any, attempt: str) -> Settlement:
        return settle(couple, side, found, message, timedelta(), attempt)

    patch.setattr(settling_module, "settle", at_once)
