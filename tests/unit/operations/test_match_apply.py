"""A match report is carried out to the letter: nothing else, nothing twice, and after a kill as if there had been none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected, RetryLater
from sync.matching.differences import fingerprint
from sync.matching.files import writer
from sync.matching.report import COUPLES, DOUBTS, ONLY_DATAVERSE, ONLY_GP, Heading, columns, difference_columns
from sync.operations import match_apply
from sync.operations.match import gp_state
from sync.operations.match_apply import Answer, Applied, answers_of, apply
from sync.operations.uncouple import uncouple
from sync.stores.couple import NONE, UNCOUPLED
from sync.system import Record
from tests.fakes import customer_flows
from tests.unit.conftest import Rig

HEADING = Heading("customer", "TWO", "here", "rules", "2026-11-27T18:00:00+00:00")
IDS = {name: f"0a000000-0000-4000-8000-00000000000{n}" for n, name in enumerate("abc", 1)}


class Desk:
    """Two populated sides, and a report about them."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.path = folder / "report.xlsx"
        self.runtime: Any = SimpleNamespace(
            flows=customer_flows(), mappings={"customer": rig.mapping}, gp=rig.gp, records=rig.dataverse, lanes=rig.lanes,
            crosswalk=rig.crosswalk, ledger=rig.ledger, parked=rig.parked_store, runs=rig.runs,
            settings=SimpleNamespace(companies=["TWO", "THREE"]),
        )  # fmt: skip
        for name, id_ in IDS.items():
            rig.gp.type_customer("TWO", name.upper(), CUSTNAME=f"GP {name}")
            blank = dict.fromkeys((*rig.mapping.attributes, rig.mapping.dataverse.key)) | {"statecode": 0}
            rig.dataverse.rows[id_] = Record(id_, blank | {"name": f"CRM {name}"}, 'W/"0"')

    def row(self, table: str, key: str, name: str, decision: str, **more: str) -> tuple[str, dict[str, Any]]:
        source = self.rig.gp.records.get(("TWO", key))
        target = self.rig.dataverse.rows.get(IDS.get(name, ""))
        row = {"decision": decision, "GP id": key, "Dataverse id": IDS.get(name, ""), "report": HEADING.text}
        row |= {"GP state": gp_state(self.rig.mapping, source)} if source else {}
        row |= {"Dataverse state": fingerprint(self.rig.mapping, target.values)} if target else {}
        return table, row | more

    async def answers(self, *rows: tuple[str, dict[str, Any]]) -> list[Answer]:
        with writer(self.path, columns(self.rig.mapping), difference_columns(), ["Title"]) as file:
            for table, row in rows:
                file.add(table, row)
        return await answers_of(self.runtime, self.rig.mapping, "TWO", self.path)

    async def apply(self, answers: list[Answer]) -> Applied:
        return [each async for each in apply(self.runtime, self.rig.mapping, "TWO", answers)][-1]

    async def work(self) -> None:
        """The workers take what lies on the lane."""
        for _, message, _ in self.rig.lanes.sent:
            await self.rig.send(message=message)
        self.rig.lanes.sent.clear()

    def names(self) -> dict[str, str]:
        return {name: self.rig.dataverse.rows[IDS[name]].values["name"] for name in IDS}


@pytest.fixture
def desk(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    async def heading(*_: object) -> Heading:
        return HEADING

    monkeypatch.setattr(match_apply, "heading_of", heading)
    return Desk(rig, tmp_path)  # type: ignore[return-value]


async def test_what_is_decided_is_coupled_and_nothing_else_is_touched(desk: Desk) -> None:
    answers = await desk.answers(
        desk.row(COUPLES, "A", "a", "couple"),
        desk.row(DOUBTS, "B", "b", "Not"),
        desk.row(DOUBTS, "C", "b", "later"),
        desk.row(DOUBTS, "C", "c", ""),
    )
    applied = await desk.apply(answers)
    await desk.work()
    assert (applied.coupled, applied.new, applied.refused) == (1, 1, [])
    assert desk.names() == {"a": "GP a", "b": "CRM b", "c": "CRM c"}
    assert [(await desk.rig.couple(key)).coupled for key in "ABC"] == [True, False, False]
    assert [(await desk.rig.couple(key)).answer for key in "BC"] == [NONE, ""]
    assert len(desk.rig.dataverse.rows) == 3


async def test_a_person_may_name_an_account_that_was_no_candidate(desk: Desk) -> None:
    answers = await desk.answers(desk.row(ONLY_GP, "A", "", IDS["c"].upper()), desk.row(ONLY_DATAVERSE, "", "c", ""))
    await desk.apply(answers)
    await desk.work()
    assert (await desk.rig.couple("A")).id == IDS["c"]


@pytest.mark.parametrize("crossing", range(6))
async def test_killed_at_any_point_the_same_command_ends_as_an_unbroken_one(
    desk: Desk, crossing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_apply, "AT_ONCE", 1)
    answers = await desk.answers(*(desk.row(COUPLES, name.upper(), name, "couple") for name in IDS))
    steps = iter(range(100))

    def counted(method: Any) -> Any:
        async def step(*args: Any, **kwargs: Any) -> Any:
            if next(steps) == crossing:
                raise KeyboardInterrupt
            return await method(*args, **kwargs)

        return step

    send, save = desk.rig.lanes.send, desk.rig.crosswalk.save
    monkeypatch.setattr(desk.rig.lanes, "send", counted(send))
    monkeypatch.setattr(desk.rig.crosswalk, "save", counted(save))
    with pytest.raises(KeyboardInterrupt):
        await desk.apply(answers)
    monkeypatch.setattr(desk.rig.lanes, "send", send)
    monkeypatch.setattr(desk.rig.crosswalk, "save", save)
    await desk.work()
    applied = await desk.apply(answers)
    await desk.work()
    assert applied.refused == []
    assert desk.names() == {name: f"GP {name}" for name in IDS}
    assert len(desk.rig.dataverse.writes) == 3
    assert (await desk.apply(answers)).before == 3
    assert desk.rig.lanes.sent == []


async def test_what_changed_since_is_refused_by_name_and_the_rest_is_done(desk: Desk) -> None:
    answers = await desk.answers(*(desk.row(COUPLES, name.upper(), name, "couple") for name in IDS))
    desk.rig.gp.type_customer("TWO", "A", CUSTNAME="Another")
    desk.rig.dataverse.edit(IDS["b"], name="Another")
    applied = await desk.apply(answers)
    assert [("(A)" in text, "changed in GP" in text) for text in applied.refused[:1]] == [(True, True)]
    assert IDS["b"] in applied.refused[1]
    assert applied.coupled == 1


async def test_a_key_that_gp_gave_to_another_record_is_refused(desk: Desk) -> None:
    answers = await desk.answers(desk.row(COUPLES, "A", "a", "couple"))
    desk.rig.gp.records["TWO", "A"] = replace(desk.rig.gp.records["TWO", "A"], identity="99")
    assert len((await desk.apply(answers)).refused) == 1


async def test_a_record_that_was_coupled_meanwhile_is_left_alone(desk: Desk) -> None:
    answers = await desk.answers(desk.row(COUPLES, "A", "a", "couple"), desk.row(COUPLES, "B", "b", "not"))
    await desk.rig.send("A", "B")
    applied = await desk.apply(answers)
    assert ["coupled with" in text for text in applied.refused] == [True]
    assert applied.before == 1  # B has become a new one, as decided
    assert desk.names()["a"] == "CRM a"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(COUPLES, "A", "a", "perhaps")], "'perhaps' is neither"),
        ([(DOUBTS, "A", "a", "couple"), (DOUBTS, "A", "b", "couple")], "with several"),
        ([(COUPLES, "A", "a", "couple"), (DOUBTS, "B", "a", "couple")], "chosen for several records"),
        ([(ONLY_GP, "A", "", "couple")], "nothing to couple it with"),
        ([(ONLY_DATAVERSE, "", "a", "couple")], "decide in the row of the GP record"),
    ],
)
async def test_decisions_that_contradict_do_nothing_and_name_their_rows(desk: Desk, rows: Any, said: str) -> None:
    with pytest.raises(Rejected) as caught:
        await desk.answers(*(desk.row(*row) for row in rows))
    assert caught.value.code == "match_decision_invalid"
    assert said in caught.value.message
    assert "row 2" in caught.value.message


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"pair": "vendor"}, "match_file_foreign", "another pair"),
        ({"company": "THREE"}, "match_file_foreign", "another company"),
        ({"environment": "there"}, "match_file_foreign", "environment"),
        ({"rules": "old"}, "match_file_foreign", "mapping"),
        ({"made": "1/2"}, "match_file_unreadable", "no match report"),
    ],
)
async def test_a_file_about_something_else_is_refused(desk: Desk, change: dict[str, str], code: str, said: str) -> None:
    foreign = desk.row(COUPLES, "A", "a", "couple", report=replace(HEADING, **change).text)
    with pytest.raises(Rejected) as caught:
        await desk.answers(desk.row(COUPLES, "B", "b", "couple"), foreign)
    assert (caught.value.code, said in caught.value.message) == (code, True)


async def coupled(desk: Desk) -> None:
    await desk.apply(await desk.answers(desk.row(COUPLES, "A", "a", "couple")))
    await desk.work()
    assert desk.names()["a"] == "GP a"


async def test_uncoupling_puts_back_what_we_wrote_and_deletes_nothing(desk: Desk) -> None:
    await coupled(desk)
    desk.rig.gp.type_customer("TWO", "A", CUSTNAME="GP a2")
    await desk.rig.send("A")
    done = await uncouple(desk.runtime, "customer/TWO/A", restore=True)
    row = desk.rig.dataverse.rows[IDS["a"]]
    assert (row.values["name"], row.values["accountnumber"], row.values["gp365_key"]) == ("CRM a", None, None)
    assert {"name", "accountnumber"} <= {each.field for each in done.fields}
    assert (await desk.rig.couple("A")).parked == UNCOUPLED
    assert (await desk.rig.history("A"))[0].text.startswith(f"taken from {IDS['a']}")


async def test_what_somebody_changed_since_stays(desk: Desk) -> None:
    await coupled(desk)
    desk.rig.dataverse.edit(IDS["a"], name="Hers")
    done = await uncouple(desk.runtime, "customer/TWO/A", restore=True)
    assert desk.names()["a"] == "Hers"
    assert {each.field: each.why_not for each in done.fields}["name"] == "somebody changed it since"


async def test_uncoupled_records_wait_for_a_person_whatever_changes(desk: Desk) -> None:
    await coupled(desk)
    await uncouple(desk.runtime, "customer/TWO/A", restore=False)
    desk.rig.gp.type_customer("TWO", "A", CUSTNAME="GP a3")
    await desk.rig.send("A")
    assert desk.names()["a"] == "GP a"
    assert [(entry.key, entry.code) for entry in await desk.rig.parked()] == [("A", UNCOUPLED)]
    assert len(desk.rig.dataverse.rows) == 3
    [other] = (await desk.rig.crosswalk.read_ids("TWO", "customer", [IDS["a"]])).values()
    assert (other.key, other.parked_d365) == ("", UNCOUPLED)


@pytest.mark.parametrize("crossing", [1, 2, 3])
async def test_an_uncoupling_that_was_killed_goes_on(
    desk: Desk, crossing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await coupled(desk)
    steps = iter(range(1, 100))
    save, write = desk.rig.crosswalk.save, desk.rig.dataverse.write

    def counted(method: Any) -> Any:
        async def step(*args: Any) -> Any:
            if next(steps) == crossing:
                raise RetryLater("cut", code="system_unreachable")
            return await method(*args)

        return step

    monkeypatch.setattr(desk.rig.crosswalk, "save", counted(save))
    monkeypatch.setattr(desk.rig.dataverse, "write", counted(write))
    with pytest.raises(RetryLater):
        await uncouple(desk.runtime, "customer/TWO/A", restore=True)
    monkeypatch.setattr(desk.rig.crosswalk, "save", save)
    monkeypatch.setattr(desk.rig.dataverse, "write", write)
    await desk.rig.send("A")  # no worker writes in between
    await uncouple(desk.runtime, "customer/TWO/A", restore=True)
    assert desk.names()["a"] == "CRM a"
    assert (await desk.rig.couple("A")).id == ""


async def test_a_dry_run_only_tells(desk: Desk) -> None:
    await coupled(desk)
    before = dict(desk.rig.dataverse.rows)
    done = await uncouple(desk.runtime, "customer/TWO/A", restore=True, dry_run=True)
    assert {each.field: each.before for each in done.fields}["name"] == "CRM a"
    assert desk.rig.dataverse.rows == before
    assert (await desk.rig.couple("A")).coupled


async def test_what_is_coupled_with_nothing_can_not_be_taken_apart(desk: Desk) -> None:
    with pytest.raises(Rejected):
        await uncouple(desk.runtime, "customer/TWO/A", restore=False)
