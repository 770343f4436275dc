"""The door of webhooks: 2xx only when every event is on a lane, and nothing for strangers."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from sync.errors import BadSettings, RetryLater
from sync.event import Event
from sync.guard import STRANGE, Guard
from sync.hooks import LARGEST, QUIET, Answer, Hooks
from sync.routing import Became
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger, Result
from sync.stores.modes import Modes
from sync.stores.parked import Parked, ParkedStore
from sync.system import Identity
from sync.systems.dataverse.wanted import SECRET_HEADER
from tests.fakes import FakeClock, FakeTable
from tests.unit.systems.dataverse.test_events import ONE, ORG, Mapping, body, entity

SECRET, OLD = "s" * 32, "o" * 32
OTHER = "99999999-0000-4000-8000-0000000000ff"


@dataclass
class FakeRouting:
    batches: list[list[Event]] = field(default_factory=list)
    error: Exception | None = None

    async def send(self, events: Sequence[Event]) -> list[Became]:
        if self.error:
            raise self.error
        self.batches.append(list(events))
        return [Became.SENT] * len(events)


class Rig:
    def __init__(self) -> None:
        self.routing, self.clock, self.identities_table = FakeRouting(), FakeClock(), FakeTable()
        self.parked_table, self.ledger_table = FakeTable(), FakeTable()
        self.ledger = Ledger(self.ledger_table)  # type: ignore[arg-type]
        self.store = ParkedStore(self.parked_table)  # type: ignore[arg-type]
        self.identities = Identities(self.identities_table)  # type: ignore[arg-type]
        self.organization = ORG
        self.looks = 0
        self.unseen: Exception | None = None
        modes = Modes(FakeTable())  # type: ignore[arg-type]
        self.guard = Guard(modes, self.identities, {"dataverse": self.look}, ["TWO", "THREE"], clock=self.clock)
        self.hooks = Hooks(
            [SecretStr(SECRET), SecretStr(OLD)],
            [Mapping()],  # type: ignore[list-item]
            self.routing,  # type: ignore[arg-type]
            self.guard,
            self.store,
            self.ledger,
            clock=self.clock,
        )

    def calls(self) -> int:
        return self.parked_table.calls + self.identities_table.calls + self.ledger_table.calls

    async def look(self) -> Identity:
        self.looks += 1
        if self.unseen:
            raise self.unseen
        return Identity("dataverse", {"organization": self.organization})

    async def post(self, content: bytes, secret: str = SECRET, **headers: str) -> Answer:
        return await self.hooks.receive("POST", {SECRET_HEADER: secret} | headers, content)

    async def parked(self) -> list[Parked]:
        return [entry async for entry in self.store.list()]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def foreign(organization: str = OTHER) -> bytes:
    return body("Update", Target=entity()).replace(ORG.encode(), organization.encode())


async def test_an_event_is_routed_before_its_webhook_is_answered(rig: Rig) -> None:
    assert await rig.post(body("Update", Target=entity())) == Answer(202)
    assert [(event.id, event.change) for event in rig.routing.batches[0]] == [(ONE, "updated")]


async def test_webhooks_that_come_together_are_routed_together(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.post(body("Update", Target=entity())) for _ in range(20)))
    assert {answer.status for answer in answers} == {202}
    assert [len(batch) for batch in rig.routing.batches] == [20]


@pytest.mark.parametrize(
    "error",
    [
        RetryLater("away", code="system_unreachable"),
        BadSettings("no", code="sign_in_failed"),
        ValueError("secret-value"),
    ],
)
async def test_what_can_not_be_put_on_a_lane_is_answered_503_so_that_dataverse_tries_again(
    rig: Rig, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    rig.routing.error = error
    assert (await rig.post(body("Update", Target=entity()))).status == 503
    assert "secret-value" not in caplog.text
    rig.routing.error = None
    assert (await rig.post(body("Update", Target=entity()))).status == 202


@pytest.mark.parametrize(
    ("secret", "status"), [(SECRET, 202), (OLD, 202), ("", 401), (SECRET[:-1], 401), ("é" * 32, 401)]
)
async def test_two_secrets_are_taken_and_no_other(rig: Rig, secret: str, status: int) -> None:
    assert (await rig.post(body("Update", Target=entity()), secret)).status == status
    assert len(rig.routing.batches) == (status == 202)


async def test_a_blank_secret_is_never_one_of_ours(rig: Rig) -> None:
    hooks = Hooks([SecretStr(SECRET), SecretStr("")], [], rig.routing, rig.guard, rig.store, rig.ledger)  # type: ignore[arg-type]
    assert not hooks.accepts("")


async def test_a_caller_can_ask_whether_its_secret_would_be_taken(rig: Rig) -> None:
    assert (await rig.hooks.receive("GET", {SECRET_HEADER: OLD}, b"")).status == 204
    assert (await rig.hooks.receive("GET", {}, b"")).status == 401


async def test_a_body_too_large_is_refused_unread(rig: Rig) -> None:
    assert (await rig.post(b" " * (LARGEST + 1))).status == 413


async def test_a_body_that_can_not_be_read_is_a_clear_400_and_seen_by_people(rig: Rig) -> None:
    answer = await rig.post(b'{"MessageName": "secret-value"}')
    assert (answer.status, "OrganizationId" in answer.text, "secret-value" in answer.text) == (400, True, False)
    [entry] = await rig.parked()
    assert (entry.code, "secret-value" in str(entry)) == ("webhook_unreadable", False)


@pytest.mark.parametrize("message", ["Win", "Lose", "gp365_Custom"])
async def test_a_message_that_makes_no_event_is_counted_and_taken(rig: Rig, message: str) -> None:
    assert await rig.post(body(message, name="opportunity")) == Answer(202)
    assert (rig.hooks.ignored[message], rig.routing.batches) == (1, [])


async def test_names_of_messages_can_not_fill_memory_or_the_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(200):
        await rig.post(body(f"gp365_{number}\u202e", name="x"))
    assert (len(rig.hooks.ignored), sum(rig.hooks.ignored.values())) == (51, 200)
    assert len(caplog.records) == 51
    assert "\u202e" not in caplog.text


async def test_another_environment_is_refused_told_once_and_costs_storage_nothing_more(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await rig.post(body("Update", Target=entity()))
    answers = [await rig.post(foreign(), **{"x-ms-dynamics-organization": "copy.crm4.dynamics.com"}) for _ in range(3)]
    assert {answer.status for answer in answers} == {403}
    [entry] = await rig.parked()
    assert (entry.code, entry.company, entry.pair) == ("webhook_foreign", "-", "webhooks")
    assert OTHER in entry.message
    assert "copy.crm4.dynamics.com" in entry.message
    [line] = await rig.ledger.history("-", "webhooks", entry.key)
    assert (line.result, line.text, line.code) == (Result.PARKED, entry.message, "webhook_foreign")
    assert len(caplog.records) == 1
    calls = rig.calls()
    for number in range(100):
        await rig.post(foreign(f"99999999-0000-4000-8000-{number:012}"))
    assert rig.calls() == calls
    rig.clock.now += QUIET
    await rig.post(foreign())
    assert len(caplog.records) == 2
    assert len(await rig.parked()) == 1
    assert len(rig.routing.batches) == 1


async def test_a_note_that_storage_did_not_take_is_made_at_the_next_one(rig: Rig) -> None:
    async def fail(_: object) -> None:
        raise RetryLater("away", code="system_unreachable")

    put, rig.parked_table.put = rig.parked_table.put, fail  # type: ignore[method-assign,assignment]
    assert (await rig.post(b"{}")).status == 503
    rig.parked_table.put = put  # type: ignore[method-assign]
    await rig.post(b"{}")
    assert [entry.code for entry in await rig.parked()] == ["webhook_unreadable"]


async def test_an_environment_never_met_is_looked_at_first(rig: Rig) -> None:
    assert (await rig.post(foreign())).status == 403
    assert rig.looks == 1
    assert (await rig.post(body("Update", Target=entity()))).status == 202


async def test_an_environment_that_can_not_be_looked_at_is_no_stranger_yet(rig: Rig) -> None:
    rig.unseen = RetryLater("away", code="system_unreachable")
    assert (await rig.post(body("Update", Target=entity()))).status == 503
    rig.unseen = None
    assert (await rig.post(body("Update", Target=entity()))).status == 202


async def test_an_environment_that_a_person_accepted_elsewhere_is_known_a_minute_later(rig: Rig) -> None:
    await rig.post(body("Update", Target=entity()))
    await rig.post(foreign())
    await Identities(rig.identities_table).accept("TWO", "dataverse", {"organization": OTHER})  # type: ignore[arg-type]
    assert (await rig.post(foreign())).status == 403
    rig.clock.now += STRANGE
    assert (await rig.post(foreign())).status == 202


async def test_nothing_of_a_body_reaches_the_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await rig.post(body("Update", Target=entity(name="secret-value")))
    await rig.post(body("Update", primary="secret-value"))
    await rig.post(foreign().replace(b"Update", b"secret-value"))
    rig.routing.error = RetryLater("away", code="system_unreachable")
    await rig.post(body("Create", Target=entity(accountnumber="secret-value")))
    assert "secret-value" not in caplog.text
    assert SECRET not in caplog.text
