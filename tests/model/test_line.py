"""The line keeps its promises over seeded histories, and breaks them when a rule is left out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync import plan as plan_module
from sync.delivery import Deliveries
from sync.flow import Flow, find_flows
from sync.mapping import Mapping, load_all
from sync.plan import Case, Planner
from sync.stores.crosswalk import Couple
from sync.system import Write
from tests.model.world import FLOW, SteppedTarget, history

HISTORIES = 500
type Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return load_all(Path(__file__).parents[2] / "sync" / "mappings")["customer"]


@pytest.fixture(scope="module")
def flow() -> Flow:
    return find_flows()[FLOW]


def test_no_history_loses_or_doubles_anything(mapping: Mapping, flow: Flow) -> None:
    run_many(HISTORIES, mapping, flow)


def run_many(count: int, mapping: Mapping, flow: Flow) -> None:
    for seed in range(count):
        history(seed, mapping, flow)


def no_precondition(patch: pytest.MonkeyPatch) -> None:
    """Updates go out without If-Match."""
    one = SteppedTarget._one

    def blind(self: SteppedTarget, company: str, mapping: Mapping, write: Write) -> Any:
        present = self.rows.get(write.id)
        return one(self, company, mapping, replace(write, version=present.version) if present else write)

    patch.setattr(SteppedTarget, "_one", blind)


def nothing_sent_again(patch: pytest.MonkeyPatch) -> None:
    """What could not be done now is forgotten."""

    async def forget(*_: Any) -> None:
        return None

    patch.setattr(Deliveries, "_send_again", forget)


def coupled_too_early(patch: pytest.MonkeyPatch) -> None:
    """A record counts as coupled before its fields agree."""
    write = Planner._write

    def early(self: Planner, case: Case, couple: Couple, *rest: Any, **named: Any) -> Any:
        return write(self, case, replace(couple, coupled=case.target is not None), *rest, **named)

    patch.setattr(Planner, "_write", early)


def state_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A create that was interrupted does not remember that its state is still to be written."""
    create = Planner._create

    def forgetful(self: Planner, *arguments: Any) -> Any:
        plan = create(self, *arguments)
        return replace(plan, couple=replace(plan.couple, base={}))

    patch.setattr(Planner, "_create", forgetful)


def new_id_and_no_key(patch: pytest.MonkeyPatch) -> None:
    """Each try of a create takes a new id, in a table without the alternate key."""
    patch.setattr(SteppedTarget, "_key_taken", lambda *_: False)
    write = Planner._write

    def fresh(self: Planner, case: Case, couple: Couple, *rest: Any, **named: Any) -> Any:
        couple = replace(couple, id=str(plan_module.uuid.uuid4())) if named.get("create") else couple
        return write(self, case, couple, *rest, **named)

    patch.setattr(Planner, "_write", fresh)


@pytest.mark.parametrize(
    "leave_out",
    [
        no_precondition,
        nothing_sent_again,
        coupled_too_early,
        state_forgotten,
        new_id_and_no_key,
    ],
    ids=lambda rule: rule.__name__,
)
def test_a_rule_left_out_is_missed(
    leave_out: Patch, mapping: Mapping, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    with pytest.raises(AssertionError):
        run_many(HISTORIES * 4, mapping, flow)
