"""Many callers at once: what only one may have, one gets."""

import asyncio

from tests.sandbox.dataverse.helpers import CRM, change_set, request, send_batch


async def test_of_many_upserts_of_a_new_key_one_creates(keyed):
    url, prefer = "accounts(gp365_key='A')?$select=accountid", {"Prefer": "return=representation"}
    answers = await asyncio.gather(*(keyed.patch(url, json={"name": str(n)}, headers=prefer) for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["accountid"] for answer in answers}) == 1


async def test_of_many_writes_on_one_version_one_wins(client):
    row_id = await client.create("accounts", name="A")
    etag = (await client.row("accounts", row_id))["@odata.etag"]
    headers = {"If-Match": etag}
    answers = await asyncio.gather(
        *(client.patch(f"accounts({row_id})", json={"name": str(n)}, headers=headers) for n in range(20))
    )
    won = [n for n, answer in enumerate(answers) if answer.status_code == 204]
    assert len(won) == 1
    assert [answer.status_code for answer in answers].count(412) == 19
    assert (await client.row("accounts", row_id))["name"] == str(won[0])


async def test_change_sets_and_bulk_side_by_side_keep_their_all_or_nothing(client):
    type_ = {"@odata.type": f"{CRM}account"}
    good = change_set(*(request("POST accounts", '{"name":"S"}', content_id=str(n)) for n in range(5)))
    bad = change_set(
        request("POST accounts", '{"name":"X"}', content_id="1"), request("POST accounts", '{"no":1}', content_id="2")
    )
    work = []
    for _ in range(5):
        work += [send_batch(client, good), send_batch(client, bad)]
        targets = [{**type_, "name": "M"}] * 5
        work.append(client.post(f"accounts/{CRM}CreateMultiple", json={"Targets": targets}))
        spoilt = [{**type_, "name": "X"}, {**type_, "no": 1}]
        work.append(client.post(f"accounts/{CRM}CreateMultiple", json={"Targets": spoilt}))
    await asyncio.gather(*work)
    names = [row["name"] for row in await client.rows("accounts")]
    assert sorted(names) == ["M"] * 25 + ["S"] * 25


async def test_versions_rise_across_tables(client):
    await asyncio.gather(
        *(
            client.create(name, **body)
            for name, body in [("accounts", {"name": "A"}), ("contacts", {"lastname": "B"})] * 5
        )
    )
    rows = await client.rows("accounts") + await client.rows("contacts")
    versions = [row["versionnumber"] for row in rows]
    assert len(set(versions)) == 10
