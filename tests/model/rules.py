"""The rules of the line, each left out in turn. What a rule is for shows in what breaks without it."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sync import merging as merging_module
from sync import outcomes as outcomes_module
from sync import plan as plan_module
from sync import settle as settle_module
from sync import settling as settling_module
from sync.cases import Cases
from sync.errors import RetryLater
from sync.mapping import Mapping
from sync.merge import Move
from sync.missing import Missing
from sync.outcomes import Run
from sync.pipeline import Pipeline
from sync.plan import Case, Planner
from sync.settle import Found, Settlement
from sync.stores.couple import Agreed, Couple
from sync.stores.crosswalk import Crosswalk
from sync.system import Outcome, Verdict, Write
from sync.value import same
from tests.model.lanes import VISIBILITY
from tests.model.seams import SteppedTable
from tests.model.systems import SteppedDataverse

type Patch = pytest.MonkeyPatch


# 2: crosswalk, then source, then target


def target_before_crosswalk(patch: Patch) -> None:
    """The target is what it was when the round began."""
    read = Cases.read

    async def early(self: Cases, run: Run, keys: Sequence[str]) -> list[Case]:
        before = {case.couple.key: case for case in await read(self, run, keys)}
        now = await read(self, run, keys)
        old = {key: case.target for key, case in before.items() if case.target}
        return [replace(case, target=old.get(case.couple.key, case.target)) for case in now]

    patch.setattr(Cases, "read", early)


# 3-7: settling what an earlier try left


def no_waiting_for_a_living_worker(patch: Patch) -> None:
    settle = settle_module.settle

    def at_once(couple: Couple, side: Any, found: Found, _: str, visibility: Any, attempt: str) -> Settlement:
        own = couple.intent.message_id if couple.intent else ""
        return settle(couple, side, found, own, visibility, attempt)

    patch.setattr(settling_module, "settle", at_once)


def decided_by_value(patch: Patch) -> None:
    """An earlier try has landed where the target holds what it sent, whoever wrote that; else it has not."""

    def by_value(couple: Couple, side: Any, found: Found, message_id: str, visibility: Any, attempt: str) -> Settlement:
        intent, target = couple.intent, found.record
        assert intent
        if intent.message_id != message_id and couple.age < visibility:
            return Settlement(couple, wait=True)
        cleared = replace(couple, intent=None)
        if target is None:
            return Settlement(cleared)
        if all(same(found.halves.get(name), field.new) for name, field in intent.fields.items()):
            base = {name: Agreed.of(side, field.source, field.new) for name, field in intent.fields.items()}
            landed = replace(cleared, coupled=True, base=couple.base | base, lineage=settle_module.lineage(intent))
            return Settlement(landed, landed=intent, certain=True)
        return Settlement(cleared, fence=Write(target.key, {}, attempt, version=target.version))

    patch.setattr(settling_module, "settle", by_value)


def no_fence(patch: Patch) -> None:
    settle = settle_module.settle

    def unfenced(*arguments: Any, **named: Any) -> Settlement:
        return replace(settle(*arguments, **named), fence=None)

    patch.setattr(settling_module, "settle", unfenced)


# 8, 14: the base of each field, in the terms of each side


def no_base(patch: Patch) -> None:
    """Fields are compared as if they had never agreed."""
    decide = merging_module.decide

    def baseless(sides: Any, ruling: Any, *, coupling: bool) -> tuple[Move, str]:
        return decide(replace(sides, base=None), ruling, coupling=True)

    patch.setattr(merging_module, "decide", baseless)


def what_was_sent_counts_as_kept(patch: Patch) -> None:
    committed = settle_module.committed

    def as_sent(couple: Couple, side: Any, _: Any) -> Couple:
        done = committed(couple, side, None)
        return replace(done, base={name: replace(half, unsure=None) for name, half in done.base.items()})

    patch.setattr(outcomes_module, "committed", as_sent)


# 10, 11, 15: each row by its ETag


def _blind(patch: Patch, which: Any) -> None:
    """Rows of the crosswalk for which `which` holds (of the couple before and after) are stored whatever stands there."""
    save = Crosswalk.save

    async def blindly(self: Crosswalk, changes: Sequence[tuple[Couple, Couple]]) -> list[Couple | None]:
        forced = []
        for old, new in changes:
            table: Any = self._table
            row = table.entities.get((new.partition, f"gp~{new.key}"))
            etag = row.metadata["etag"] if row and which(old, new) else old.etag
            forced.append((replace(old, etag=etag, id=row["d365"] if etag != old.etag else old.id), new))
        return await save(self, forced)

    patch.setattr(Crosswalk, "save", blindly)


def skips_without_etag(patch: Patch) -> None:
    _blind(patch, lambda old, new: not old.intent and not new.intent)


def intent_without_etag(patch: Patch) -> None:
    _blind(patch, lambda old, new: new.intent)


def commit_without_etag(patch: Patch) -> None:
    _blind(patch, lambda old, new: old.intent and not new.intent)


def no_intent(patch: Patch) -> None:
    """The write goes out before anything says so."""
    save = Crosswalk.save

    async def unsaid(self: Crosswalk, changes: Sequence[tuple[Couple, Couple]]) -> list[Couple | None]:
        kept = await save(self, [(old, new) for old, new in changes if not new.intent])
        stored = iter(kept)
        return [
            replace(new, etag=old.etag, id=old.id or new.id) if new.intent else next(stored) for old, new in changes
        ]

    patch.setattr(Crosswalk, "save", unsaid)


# 12, 13: the write and its verdict


def no_precondition(patch: Patch) -> None:
    """Updates go out without If-Match."""
    one = SteppedDataverse._one

    def blind(self: SteppedDataverse, company: str, mapping: Mapping, write: Write) -> Any:
        present = self.rows.get(write.id)
        return one(self, company, mapping, replace(write, version=present.version) if present else write)

    patch.setattr(SteppedDataverse, "_one", blind)


def a_cut_counts_as_refused(patch: Patch) -> None:
    write = SteppedDataverse.write

    async def known(self: SteppedDataverse, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        try:
            return await write(self, company, mapping, writes)
        except RetryLater:
            return [Verdict(each.id, Outcome.CHANGED) for each in writes]

    patch.setattr(SteppedDataverse, "write", known)


# 17: a second look


def no_second_look(patch: Patch) -> None:
    async def nothing(*_: Any) -> list[str]:
        return []

    patch.setattr(Pipeline, "_second_look", nothing)


# 18, 19: creates and identity


def new_id_and_no_key(patch: Patch) -> None:
    """Each try of a create takes a new id, in a table without the alternate key."""
    patch.setattr(SteppedDataverse, "_key_taken", lambda *_: False)
    write = Planner._write

    def fresh(self: Planner, case: Case, couple: Couple, *rest: Any, **named: Any) -> Any:
        couple = replace(couple, id=str(uuid.uuid4())) if named.get("create") else couple
        return write(self, case, couple, *rest, **named)

    patch.setattr(Planner, "_write", fresh)


def one_row_a_couple(patch: Patch) -> None:
    transact = SteppedTable.transact

    async def without_pointers(self: SteppedTable, groups: Any) -> Any:
        kept = [[each for each in group if not each[1]["RowKey"].startswith("d365~")] for group in groups]
        return await transact(self, kept)

    patch.setattr(SteppedTable, "transact", without_pointers)


def identity_not_kept(patch: Patch) -> None:
    patch.setattr(plan_module.Planner, "_identity", lambda *_: "")


def state_forgotten(patch: Patch) -> None:
    """A create that was interrupted does not remember that its state is still to be written."""
    create = Planner._create

    def forgetful(self: Planner, *arguments: Any) -> Any:
        plan = create(self, *arguments)
        return replace(plan, couple=replace(plan.couple, base={}))

    patch.setattr(Planner, "_create", forgetful)


def coupled_too_early(patch: Patch) -> None:
    """A record counts as coupled before its fields agree."""
    write = Planner._write

    def early(self: Planner, case: Case, couple: Couple, *rest: Any, **named: Any) -> Any:
        return write(self, case, replace(couple, coupled=case.target is not None), *rest, **named)

    patch.setattr(Planner, "_write", early)


# 2: a record that its source does not hold


def a_delete_acts_at_first_sight(patch: Patch) -> None:
    patch.setattr(Missing, "_look_again", lambda _, __, gone: gone)


def any_second_look_is_late_enough(patch: Patch) -> None:
    """A redelivery, a doubled message, another worker."""
    missing = Missing._missing

    def at_once(self: Missing, case: Case) -> Any:
        plan = missing(self, replace(case, couple=replace(case.couple, age=VISIBILITY)))
        return replace(plan, case=case, couple=replace(plan.couple, age=case.couple.age))

    patch.setattr(Missing, "_missing", at_once)


def a_mark_outlives_the_return(patch: Patch) -> None:
    patch.setattr(plan_module, "found", lambda plan, *_: plan.couple)


SEEN_BY_CHANCE = [
    target_before_crosswalk, no_waiting_for_a_living_worker, decided_by_value, no_base, what_was_sent_counts_as_kept,
    skips_without_etag, intent_without_etag, a_cut_counts_as_refused, new_id_and_no_key,
    one_row_a_couple, state_forgotten, coupled_too_early,
    a_delete_acts_at_first_sight,
]  # fmt: skip
"""Rules whose absence breaks one of the first few thousand histories."""
