"""Webhooks on real parts: registered by the command, sent by Dataverse, taken by the app, and on a lane before they are answered."""

import asyncio
import contextlib
import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from sandbox.parts import HOOK_HOST, HOOK_PATH
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import door, fault, new_id, parked

LANE = "to-gp"
OFF = ("to_gp", "to_gp_bulk", "catch_up")
"""What is seen here, webhooks told; and it stays on the lane to be looked at."""


@pytest.fixture(scope="module")
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox with webhooks."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        sandbox = Sandbox(Path(state) / "sandbox", webhooks=True)
        (Path(state) / "customer.yaml").write_text("company: tickersymbol\n", encoding="utf-8")
        sandbox.overrides |= {"GP365_OVERLAYS": state}
        sandbox.overrides |= {f"AzureWebJobs.{name}.Disabled": "true" for name in OFF}
        async with sandbox as running:
            yield running


@pytest.fixture(autouse=True)
async def nothing_is_left(box: Sandbox) -> AsyncIterator[None]:
    yield
    await door(box, "storage", "DELETE", "/faults")
    await on_lane(box)


async def lead_to(box: Sandbox, url: str) -> None:
    """Let the public host and the operator's commands lead to a host of functions."""
    box.overrides["GP365_HOOK_INSIDE_URL"] = f"{url}{HOOK_PATH}"
    await door(box, "dataverse", "PUT", "/hosts", **{HOOK_HOST: url})


async def on_lane(box: Sandbox) -> list[dict[str, Any]]:
    """Take every message off the lane."""
    connection, policy = box.contract["storage"]["connection_string"], TextBase64DecodePolicy()
    taken = []
    async with QueueClient.from_connection_string(connection, LANE, message_decode_policy=policy) as queue:
        with contextlib.suppress(ResourceNotFoundError):
            async for message in queue.receive_messages(messages_per_page=32):
                taken.append(json.loads(message.content))
                await queue.delete_message(message)
    return taken


class Keys:
    """The keys that came on the lane, as often as they came."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.seen = box, list[str]()

    async def look(self) -> list[str]:
        self.seen += [key for message in await on_lane(self.box) for key in message["keys"]]
        return self.seen


async def write(dataverse: DataverseUser, method: str, path: str, **values: Any) -> str:
    """One write by a person; the id of what was written."""
    headers = await dataverse._headers() | {"Prefer": "return=representation"}
    answer = await dataverse._client.request(method, path, json=values or None, headers=headers)
    answer.raise_for_status()
    return answer.json()["accountid"] if answer.content else ""


async def new_account(dataverse: DataverseUser, company: str = "TWO") -> str:
    number = new_id()
    values = {"name": f"Account {number}", "accountnumber": number, "tickersymbol": company, "customertypecode": 3}
    return await write(dataverse, "POST", "accounts", **values)


async def organization(dataverse: DataverseUser) -> str:
    answer = await dataverse._client.get("WhoAmI", headers=await dataverse._headers())
    return str(answer.json()["OrganizationId"])


async def post(box: Sandbox, content: bytes, key: str | None = None, secret: str | None = None) -> httpx.Response:
    functions = box.contract["functions"]
    secret = box.settings["GP365_HOOK_SECRET"] if secret is None else secret
    headers = {"x-functions-key": functions["key"] if key is None else key, "x-gp365-secret": secret}
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(f"{functions['url']}{HOOK_PATH}", content=content, headers=headers)


async def failed_jobs(dataverse: DataverseUser) -> list[str]:
    rows = await dataverse.all_rows("asyncoperations", select="friendlymessage", filter="statuscode eq 31")
    return [row["friendlymessage"] for row in rows]


async def test_a_second_register_changes_nothing_and_doctor_is_content(box: Sandbox) -> None:
    assert {done["state"] for done in await app(box, "register", "--dry-run")} == {"present"}
    assert {done["state"] for done in await app(box, "register")} == {"present"}
    lines = [line for line in await app(box, "doctor") if line["name"].startswith("webhooks")]
    assert [line["ok"] for line in lines] == [True] * 4


async def test_a_change_in_dataverse_is_on_the_lane_and_its_values_are_not(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    id_ = await new_account(dataverse)
    [message, *_] = await until(lambda: on_lane(box), bool, "a message")
    assert (message["keys"], message["reason"], message["company"]) == ([id_], "webhook", "TWO")
    assert message["flow"] == "customer_dataverse_to_gp"
    assert "Account" not in json.dumps(message)
    await write(dataverse, "PATCH", f"accounts({id_})", name="Another name")
    await until(Keys(box).look, lambda keys: id_ in keys, "the edit")


async def test_a_column_that_is_not_mapped_tells_nobody(box: Sandbox, dataverse: DataverseUser) -> None:
    id_, keys = await new_account(dataverse), Keys(box)
    await until(keys.look, lambda seen: id_ in seen, "the account")
    await write(dataverse, "PATCH", f"accounts({id_})", sic="0111")
    other = await new_account(dataverse)
    await until(keys.look, lambda seen: other in seen, "the other account")
    assert keys.seen.count(id_) == 1


async def test_an_account_of_no_company_waits_for_a_person_until_it_has_one(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    id_, keys = await new_account(dataverse, ""), Keys(box)
    [entry] = await until(lambda: parked(box, id_), bool, "the account, parked")
    assert (entry["company"], entry["code"]) == ("-", "company_unknown")
    status, out, _ = await box.cli("parked", "retry", "--code", "company_unknown", "--json")
    assert (status, "still belongs to no company" in out) == (1, True)
    await write(dataverse, "PATCH", f"accounts({id_})", tickersymbol="THREE")
    await until(keys.look, lambda seen: id_ in seen, "the account")
    assert await parked(box, id_) == []


@pytest.mark.parametrize(("key", "secret"), [("wrong", None), ("", None), (None, "wrong"), (None, "")])
async def test_a_caller_without_key_and_secret_is_refused(box: Sandbox, key: str | None, secret: str | None) -> None:
    assert (await post(box, b"{}", key, secret)).status_code == 401


@pytest.mark.parametrize("content", [b"", b"\xff", b"[[[[", b'{"OrganizationId": "secret-value"}'])
async def test_a_body_that_is_none_is_a_clear_400(box: Sandbox, content: bytes) -> None:
    answer = await post(box, content)
    assert answer.status_code == 400
    assert "RemoteExecutionContext" in answer.text
    assert "secret-value" not in answer.text


async def test_an_unknown_message_is_taken_and_ignored(box: Sandbox, dataverse: DataverseUser) -> None:
    context = {"OrganizationId": await organization(dataverse), "MessageName": "gp365_Custom"}
    assert (await post(box, json.dumps(context).encode())).status_code == 202
    assert await on_lane(box) == []


async def test_while_storage_takes_nothing_the_answer_is_503_and_dataverse_tries_again(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    await fault(
        box,
        "storage",
        at="storage.before",
        match="^queue.put /devstoreaccount1/to-gp/messages",
        do="error",
        code=403,
        times=1,
    )
    id_ = await new_account(dataverse)
    await until(Keys(box).look, lambda keys: id_ in keys, "the account")
    assert await failed_jobs(dataverse) == []


async def test_the_secret_changes_under_load_and_no_webhook_is_refused(box: Sandbox, dataverse: DataverseUser) -> None:
    old = box.settings["GP365_HOOK_SECRET"]
    ids, edited, over = [await new_account(dataverse) for _ in range(5)], list[str](), asyncio.Event()

    async def edit() -> None:
        while not over.is_set():
            for id_ in ids:
                await write(dataverse, "PATCH", f"accounts({id_})", name=f"Edit {len(edited)}")
                edited.append(id_)

    async def rotated() -> None:
        box.overrides |= {"GP365_HOOK_SECRET": secrets.token_urlsafe(32), "GP365_HOOK_SECRET_OLD": old}
        status, out, _ = await box.cli("register", "--json")
        assert (status, json.loads(out)["error"]["code"]) == (3, "webhook_refused")
        # As the platform does: an instance with the new settings takes over before the old one goes.
        await box.start("host-2")
        await lead_to(box, box.ready["host-2"]["url"])
        assert [done for done in await app(box, "register") if done["state"] != "present"] == [
            {"what": "service endpoint GP365", "state": "changed", "differences": ["secret"]}
        ]
        del box.overrides["GP365_HOOK_SECRET_OLD"]
        await box.restart("host")

    keys, editing = Keys(box), asyncio.create_task(edit())
    try:
        await rotated()
    finally:
        over.set()
        await editing
    await until(keys.look, lambda seen: set(seen) >= set(ids), "every account")
    jobs = await until(lambda: waiting_jobs(dataverse), lambda left: not left, "the end of all webhooks")
    assert (jobs, await failed_jobs(dataverse)) == ([], [])
    await lead_to(box, box.contract["functions"]["url"])
    await box.stop("host-2")
    del box.overrides["GP365_HOOK_INSIDE_URL"]
    assert [(await post(box, b"{}", secret=secret)).status_code for secret in (old, None)] == [401, 400]


async def waiting_jobs(dataverse: DataverseUser) -> list[dict[str, Any]]:
    return await dataverse.rows("asyncoperations", select="statuscode", filter="statuscode lt 30", top="1")


async def test_a_merge_tells_of_both_accounts(box: Sandbox, dataverse: DataverseUser) -> None:
    master, subordinate, keys = await new_account(dataverse), await new_account(dataverse), Keys(box)
    await until(keys.look, lambda seen: {master, subordinate} <= set(seen), "both accounts")
    keys.seen.clear()
    kind = "Microsoft.Dynamics.CRM.account"
    target, other = ({"@odata.type": kind, "accountid": id_} for id_ in (master, subordinate))
    await write(dataverse, "POST", "Merge", Target=target, Subordinate=other, PerformParentingChecks=False)
    await until(keys.look, lambda seen: {master, subordinate} <= set(seen), "both accounts again")


async def test_a_copied_environment_is_refused_and_told_once(box: Sandbox, dataverse: DataverseUser) -> None:
    before = await new_account(dataverse)
    await until(Keys(box).look, lambda keys: before in keys, "the account")
    await door(box, "dataverse", "POST", "/copies/test")
    await door(box, "dataverse", "POST", "/copies/test/restore?into=another")
    for _ in range(3):
        await new_account(dataverse)
    await until(lambda: failed_jobs(dataverse), lambda failed: len(failed) == 3, "three refused webhooks")
    assert all("403" in text for text in await failed_jobs(dataverse))
    assert await on_lane(box) == []
    entries = [entry for entry in await app(box, "parked", "list") if entry["code"] == "webhook_foreign"]
    assert [await organization(dataverse) in entry["message"] for entry in entries] == [True]


async def test_unregister_takes_everything_away(box: Sandbox, dataverse: DataverseUser) -> None:
    assert {done["state"] for done in await app(box, "unregister")} == {"deleted"}
    for path in ("serviceendpoints", "sdkmessageprocessingsteps", "sdkmessageprocessingstepimages"):
        assert await dataverse.rows(path) == []
