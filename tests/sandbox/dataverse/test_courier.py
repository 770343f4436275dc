"""Webhooks lost, doubled, late and out of order, as the door plans it."""

import pytest

from tests.sandbox.dataverse.helpers import error, make_endpoint, make_step


@pytest.fixture
async def hooked(client, receiver):
    """A client whose new accounts are told to the receiver, one after the other."""
    await make_step(client, await make_endpoint(client), "Create", "account")
    return client


async def plan(client, do, at="dataverse.webhook", **more):
    answer = await client.door.post("/faults", json={"at": at, "do": do, **more})
    assert answer.status_code == 201, answer.text


async def created(client, *names):
    """Create accounts, each told before the next; the status of their jobs by creation."""
    for name in names:
        await client.create("accounts", name=name)
        await client.server.jobs.settled()
    return sorted(job["statuscode"] for job in await client.rows("asyncoperations"))


def names(receiver):
    return [hook.target["name"] for hook in receiver.got]


async def test_the_nth_webhook_that_matches_is_lost(hooked, receiver):
    await plan(hooked, "drop", match='"name","value":"lost', skip=1)
    assert await created(hooked, "lost 1", "other", "lost 2", "lost 3") == [30, 30, 30, 31]
    assert names(receiver) == ["lost 1", "other", "lost 3"]


async def test_a_webhook_comes_twice_byte_for_byte(hooked, receiver):
    await plan(hooked, "double", match="Create account")
    assert await created(hooked, "A", "B") == [30, 30]
    assert names(receiver) == ["A", "A", "B"]
    assert receiver.got[0].raw == receiver.got[1].raw


async def test_a_webhook_is_held_until_another_has_passed(hooked, receiver):
    await plan(hooked, "hold")
    await hooked.create("accounts", name="first")
    await hooked.create("accounts", name="second")
    await hooked.server.jobs.settled()
    assert names(receiver) == ["second", "first"]


async def test_a_held_webhook_that_nobody_overtakes_goes_on_in_the_end(hooked, receiver):
    await plan(hooked, "hold", seconds=0.05)
    assert await created(hooked, "A") == [30]
    assert names(receiver) == ["A"]


async def test_a_late_webhook_comes_after_those_that_follow(hooked, receiver):
    await plan(hooked, "delay", seconds=0.3)
    await hooked.create("accounts", name="first")
    await hooked.create("accounts", name="second")
    await hooked.server.jobs.settled()
    assert names(receiver) == ["second", "first"]


async def test_an_answer_can_be_made_up_without_a_call(hooked, receiver):
    await plan(hooked, "error", code=500)
    assert await created(hooked, "A") == [31]
    assert names(receiver) == []


async def test_an_answer_lost_after_the_call_makes_a_second_one_or_none(hooked, receiver):
    await plan(hooked, "error", at="dataverse.webhook.answered", code=503)
    assert await created(hooked, "A") == [30]
    assert names(receiver) == ["A", "A"]
    await plan(hooked, "drop", at="dataverse.webhook.answered")
    assert await created(hooked, "B") == [30, 31]
    assert names(receiver) == ["A", "A", "B"]


async def test_a_lost_synchronous_webhook_undoes_the_write(client, receiver):
    await make_step(client, await make_endpoint(client), "Create", "account", mode=0)
    await plan(client, "drop")
    error(await client.post("accounts", json={"name": "A"}), 400, "0x80040265")
    assert await client.rows("accounts") == []


@pytest.mark.parametrize("do", ["hold", "double"])
async def test_only_a_webhook_is_held_or_doubled(client, do):
    answer = await client.door.post("/faults", json={"at": "dataverse.before", "do": do})
    assert answer.status_code == 400


async def test_the_network_outlives_a_restored_environment(client, receiver):
    await client.door.post("/copies/one")
    await client.door.put("/hosts", json={"HOOK.example": receiver.url + "/"})
    await client.door.post("/copies/one/restore")
    assert (await client.door.get("/hosts")).json() == {"hook.example": receiver.url}


async def test_jobs_left_over_are_carried_out_after_a_restart(started, receiver, state):
    client = await started(webhook_delay=60)
    await client.door.put("/hosts", json={"hook.example": receiver.url})
    await make_step(client, await make_endpoint(client), "Create", "account")
    await client.create("accounts", name="A")
    await client.server.jobs.stop()
    client.server.jobs._delay = 0
    client.server.jobs.resume()
    await client.server.jobs.settled()
    assert names(receiver) == ["A"]
