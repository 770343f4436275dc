"""No first load makes anew what Dataverse may hold already."""

from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.mapping_model import Evidence
from sync.operations.match import KIND
from sync.operations.unmatched import check_matched
from sync.stores.couple import Couple
from sync.stores.modes import Mode, Modes
from tests.fakes import FakeTable
from tests.unit.both import with_rules
from tests.unit.conftest import FLOW, Rig

ID = "0a000000-0000-4000-8000-000000000001"


class Desk:
    """A runtime over Dataverse's accounts, whose values are `rows`."""

    def __init__(self, rig: Rig, mapping: Mapping, *rows: dict[str, Any]) -> None:
        self.rig, self.mapping, self.pages_read = rig, mapping, 0
        self._rows = [{"accountid": ID, "@odata.etag": 'W/"1"', **row} for row in rows]
        self.modes = Modes(FakeTable(), 0.0)
        self.runtime: Any = SimpleNamespace(
            flows=rig.flows, mappings={"customer": mapping}, dataverse=self, runs=rig.runs, modes=self.modes,
            crosswalk=rig.crosswalk,
        )  # fmt: skip

    async def get(self, path: str, headers: dict[str, str]) -> dict[str, Any]:
        self.pages_read += 1
        return {"value": self._rows}

    async def check(self) -> None:
        await check_matched(self.runtime, "TWO", self.rig.flows[FLOW])


@pytest.fixture
def reported(two_way: Mapping) -> Mapping:
    """A pair in which a person couples."""
    return with_rules(two_way, first_sync="report")


async def test_where_dataverse_holds_accounts_and_nobody_has_looked_nothing_is_loaded(
    rig: Rig, reported: Mapping
) -> None:
    with pytest.raises(Rejected, match="may be of TWO") as refused:
        await Desk(rig, reported, {"name": "Ann"}).check()
    assert (refused.value.code, "sync match" in refused.value.next_step) == ("match_first", True)


@pytest.mark.parametrize("row", [None, {"sic": "THREE"}, {"gp365_key": "TWO-A1"}, {"gp365_key": "THREE-A1"}], ids=str)
async def test_what_cant_be_a_strangers_is_no_reason(rig: Rig, reported: Mapping, row: dict[str, Any] | None) -> None:
    await Desk(rig, with_rules(reported, company="sic"), *([row] if row else [])).check()


async def test_a_report_that_was_applied_is_enough(rig: Rig, reported: Mapping) -> None:
    desk = Desk(rig, reported, {"name": "Ann"})
    await rig.runs.start(KIND, "THREE", FLOW, who="ann", total=0)
    with pytest.raises(Rejected):
        await desk.check()
    await rig.runs.start(KIND, "TWO", FLOW, who="ann", total=0)
    await desk.check()


async def test_once_something_is_coupled_there_is_nothing_to_look_for(rig: Rig, reported: Mapping) -> None:
    blank = Couple("TWO", "customer", "A1")
    await rig.crosswalk.save([(blank, Couple("TWO", "customer", "A1", id=ID, coupled=True))])
    desk = Desk(rig, reported, {"name": "Ann"})
    await desk.check()
    assert desk.pages_read == 0


async def test_what_is_only_observed_may_be_loaded(rig: Rig, reported: Mapping) -> None:
    desk = Desk(rig, reported, {"name": "Ann"})
    await desk.modes.set("TWO", FLOW, Mode.OBSERVE, "by_hand", "first look")
    await desk.check()


@pytest.mark.parametrize("policy", ["owner", "newest"])
async def test_where_the_rules_may_couple_nobody_needs_to_look_first(rig: Rig, reported: Mapping, policy: str) -> None:
    await Desk(rig, with_rules(reported, first_sync=policy), {"name": "Ann"}).check()


async def test_a_pair_of_which_no_report_can_be_made_waits_for_none(rig: Rig, reported: Mapping) -> None:
    await Desk(rig, with_rules(reported, evidence=Evidence()), {"name": "Ann"}).check()
