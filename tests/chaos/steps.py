"""The steps of a history: what people do, and what goes wrong."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Any

from sandbox.scenarios.scenario import NotSeen, door
from tests.chaos.fields import BORN_WITH, BY_NAME, FIELDS, Field
from tests.chaos.kills import Kills
from tests.chaos.people import NO_ANSWER, People
from tests.chaos.plan import COMPANIES, History, Partner, Step
from tests.chaos.stage import PARTS, Stage
from tests.chaos.troubles import BY_SEAM, Trouble
from tests.chaos.truth import Side
from tests.chaos.verdict import Meeting, meeting_of, number_of

OPEN = 2
"""Seconds that a clerk leaves a customer open."""

FORWARD, BACK = 300, 1
"""Seconds."""

BURST = 5
PHONE = 950
"""And the number of the partner: the phone that nobody else gives."""

APART = 500
"""How far apart the two values are that two people give one field at once."""
DECISIONS = {"approval_needed": "d365", "values_differ": "gp"}
"""Whose side a person takes, by the cause for which a record waits."""

SIDES: tuple[Side, ...] = ("gp", "d365")
FREE_ID = re.compile(r"would become customer (\S+) in GP")


class Steps:
    """Does the steps of one history; `struck` counts what has gone wrong, by its seam."""

    def __init__(self, stage: Stage, history: History, people: People) -> None:
        self._stage = stage
        self._history = history
        self._people = people
        self.kills = Kills(stage, self.take_back)
        self._beside: set[asyncio.Task[None]] = set()
        self.struck: Counter[str] = Counter()

    async def all(self) -> None:
        """One after the other, each after its pause."""
        for step in self._history.steps:
            await asyncio.sleep(step.pause)
            await _tried(self._trouble(step) if step.seam else self._work(step))
        await asyncio.gather(*self._beside)

    async def decide(self) -> bool:
        """A person says yes to all that waits for it, and whose name holds where both changed it. Whether there was anything."""
        causes = Counter(entry["code"] for entry in await self._stage.books.rows("parked"))
        if causes["values_differ"]:
            await self._note_choices()
        for code, take in DECISIONS.items():
            if causes[code]:
                with contextlib.suppress(NotSeen):  # decided by somebody else meanwhile, or refused: the list says so
                    await self._stage.once("parked", "resolve", "--take", take, "--code", code)
        return any(causes[code] for code in DECISIONS)

    async def note_faults(self, *parts: str) -> None:
        """Which planned faults have struck at these parts, by their seams; they are forgotten there."""
        for part in parts:
            planned: Sequence[dict[str, Any]] = await door(self._stage.box, part, "GET", "/faults")
            self.struck += Counter(fault["text"] for fault in planned if not fault["times"] and fault["do"] != "kill")
            await door(self._stage.box, part, "DELETE", "/faults")

    async def take_back(self, trouble: Trouble) -> bool:
        """A person gives the record that the app wrote last the values again that it had on that side; one that has just been
        made, another phone. Whether somebody did.
        """
        side: Side = "gp" if trouble.part == "gp" else "d365"
        with contextlib.suppress(*NO_ANSWER):
            if partner := await self._people.written_last(self._history.partners, side):
                known = [
                    (field, self._people.truth.given.get((partner.number, field.attribute, side)))
                    for field in BORN_WITH
                ]
                values = [(field, held[-1]) for field, held in known if held]
                await self._people.change(partner, side, values or [(BY_NAME["telephone1"], PHONE + partner.number)])
                return True
        return False

    async def _note_choices(self) -> None:
        """Where a person takes GP's side, what GP holds of the fields that are told of is as good as typed."""
        found = await self._stage.found()
        for partner in self._history.partners:
            meeting = meeting_of(partner, found)
            for customer in meeting.customers:
                for field in _chosen(meeting):
                    value = number_of(partner, field.attribute, "gp", customer[field.column])
                    if isinstance(value, int):
                        self._people.truth.gives(partner.number, "gp", field.attribute, value, sure=False)

    # people

    async def _work(self, step: Step) -> None:
        one = self._history.partners[step.partner]
        kind, _, side = step.kind.partition(" ")
        match kind:
            case "make":
                await self._make(one)
            case "decide":
                await self.decide()
            case "collide":
                await self._collide(one)
            case "merge":
                await self._people.merge(one, self._history.partners[step.other])
            case "inactivate":
                await self._people.switch_off(one, _side(side))
            case "delete":
                await self._people.delete(one, _side(side))
            case _:
                await self._edit(step, one, [BY_NAME[name] for name in step.fields])

    async def _edit(self, step: Step, one: Partner, fields: Sequence[Field]) -> None:
        people, value = self._people, step.value
        match step.kind.split(" "):
            case ["edit" | "raw", side]:
                await people.change(one, _side(side), [(fields[0], value)], raw=step.kind.startswith("raw"))
                await self._make_if_nobody_knows(one)
            case ["both", "same"]:
                await people.change_both(one, [(fields[0], value)], [(fields[0], value + APART)])
            case ["both", "different"]:
                await people.change_both(one, [(fields[0], value)], [(fields[1], value)])
            case ["revert"]:
                await self._revert(one, step, fields[0])
            case ["many", "gp"]:
                await people.change_many(one.company, self._history.partners, value)
            case ["many", "d365"]:
                for number in range(BURST):
                    await people.change(one, "d365", [(BY_NAME["telephone1"], value + number)])

    async def _make(self, partner: Partner) -> None:
        truth = self._people.truth
        for side in SIDES:
            if partner.born in (side, "both") and not {(partner.number, "gp"), (partner.number, "d365")} & (
                truth.made | truth.gone
            ):
                await self._people.make(partner, side)

    async def _make_if_nobody_knows(self, partner: Partner) -> None:
        if partner.born != "both":
            await self._make(partner)

    async def _revert(self, partner: Partner, step: Step, field: Field) -> None:
        """A person takes the last edit of a field back."""
        before = self._people.truth.before.get((partner.number, field.attribute, step.side))
        if before is not None:
            await self._people.change(partner, step.side, [(field, before)])

    async def _collide(self, partner: Partner) -> None:
        """A clerk types the very id that an account is about to get, in the second in which it is approved."""
        waiting = [entry for entry in await self._stage.books.rows("parked") if entry["code"] == "approval_needed"]
        for entry in waiting:
            found = FREE_ID.search(entry["message"])
            if found and (partner.number, "gp") not in self._people.truth.made and partner.born == "gp":
                await asyncio.gather(self._people.take_id(entry["company"], found[1], partner), self.decide())
                return

    # trouble

    async def _trouble(self, step: Step) -> None:
        trouble = BY_SEAM[step.seam]
        if trouble.kills:
            await self.kills.plan(trouble, step.skip)
        elif trouble.door:
            await door(
                self._stage.box, trouble.part, "POST", "/faults", **trouble.door, text=trouble.seam, skip=step.skip
            )
        else:
            await getattr(self, f"_{trouble.deed}")(trouble.part)
            self.struck[trouble.seam] += 1

    async def _clean(self, part: str) -> None:
        if part == "dataverse":
            await door(self._stage.box, part, "POST", "/changes/clean")
        else:
            await door(self._stage.box, part, "POST", "/change-tracking/clean", database=COMPANIES[0])

    async def _clock(self, part: str) -> None:
        """By far less than half a visibility backwards: that is as much as the app says that it stands."""
        for ahead in (FORWARD, FORWARD - BACK):
            await door(self._stage.box, part, "POST", "/clock", ahead=ahead)

    async def _hold(self, _: str) -> None:
        """A clerk leaves a customer open while everything goes on."""
        partner = self._history.partners[0]
        self._beside.add(asyncio.create_task(_tried(self._people.hold_open(partner, 777, OPEN))))

    async def _restart(self, part: str) -> None:
        if part in PARTS:
            await self.note_faults(part)
        await self._stage.box.restart(part)

    async def _restore(self, _: str) -> None:
        """GP is put back to what it was at the beginning; a person lets the companies go on."""
        await door(self._stage.box, "gp", "POST", "/restore")
        await self._go_on()

    async def _copy(self, _: str) -> None:
        """Dataverse is put back to what it was at the beginning, in another environment."""
        await door(self._stage.box, "dataverse", "POST", "/copies/mid/restore?into=another")
        await self._go_on()

    async def _go_on(self) -> None:
        self._people.forget()
        for _ in range(100):
            paused = [row for row in await self._stage.books.rows("modes") if row.get("cause") == "identity"]
            if len(paused) >= len(COMPANIES):
                break
            await asyncio.sleep(0.2)
        for company in COMPANIES:
            await self._stage.command("resume", "--company", company, "--after-restore")


def _chosen(meeting: Meeting) -> list[Field]:
    """The fields that go by a person's choice: those told of, or all of two records that have not met in every field yet."""
    told = " ".join(row["message"] for row in meeting.waiting if row["code"] == "values_differ")
    met = all(row["coupled"] and not row["unmet"] for row in meeting.couples)
    return [field for field in FIELDS if told and (not met or f"{field.attribute} would be" in told)]


async def _tried(work: Awaitable[None]) -> None:
    """Where a part is away just now, this person gives up."""
    with contextlib.suppress(*NO_ANSWER):
        await work


def _side(word: str) -> Side:
    return "gp" if word == "gp" else "d365"
