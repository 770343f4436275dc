"""$batch: framing, order, failure, change sets, references."""

import uuid

import pytest

from tests.sandbox.dataverse.helpers import change_set, error, multipart, request, send_batch, statuses

NEW = '{"name":"A"}'


async def test_requests_run_in_order_and_answer_in_order(client):
    row_id = str(uuid.uuid4())
    answer = await send_batch(
        client,
        request(f"PATCH /api/data/v9.2/accounts({row_id})", NEW),
        request(f"GET {client.server.url}/api/data/v9.2/accounts({row_id})?$select=name"),
        request(f"DELETE accounts({row_id})"),
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert statuses(answer) == [204, 200, 204]
    assert '"name":"A"' in answer.text


async def test_without_continue_on_error_the_first_failure_ends_the_batch(client):
    parts = [request("POST accounts", NEW), request("GET nosuch"), request("POST accounts", NEW)]
    answer = await send_batch(client, *parts)
    assert answer.status_code == 404
    assert statuses(answer) == [204, 404]
    assert len(await client.rows("accounts")) == 1


async def test_with_continue_on_error_the_rest_still_runs(client):
    parts = [request("POST accounts", NEW), request("GET nosuch"), request("POST accounts", NEW)]
    answer = await send_batch(client, *parts, go_on=True)
    assert answer.status_code == 200
    assert statuses(answer) == [204, 404, 204]
    assert len(await client.rows("accounts")) == 2


async def test_each_request_has_its_own_precondition(client):
    row_id = await client.create("accounts", name="A")
    etag = (await client.row("accounts", row_id))["@odata.etag"]
    parts = [request(f"PATCH accounts({row_id})", NEW, If_Match=etag) for _ in range(2)]
    assert statuses(await send_batch(client, *parts, go_on=True)) == [204, 412]


async def test_a_change_set_is_all_or_nothing_and_answers_one_error(client):
    bad = change_set(
        request("POST accounts", NEW, content_id="1"),
        request("POST accounts", '{"nosuch":1}', content_id="2"),
    )
    answer = await send_batch(client, bad, request("POST accounts", NEW), go_on=True)
    assert statuses(answer) == [400, 204]
    assert "changesetresponse_" not in answer.text
    assert len(await client.rows("accounts")) == 1


async def test_members_of_a_change_set_refer_to_earlier_ones(client):
    bind = '{"lastname":"B","parentcustomerid_account@odata.bind":"$1"}'
    answer = await send_batch(
        client,
        change_set(
            request("POST accounts", NEW, content_id="1"),
            request("POST contacts", bind, content_id="2"),
            request("PATCH $1", '{"telephone1":"425"}', content_id="3"),
            request("PUT $1/primarycontactid/$ref", '{"@odata.id":"$2"}', content_id="4"),
        ),
    )
    assert statuses(answer) == [204] * 4
    assert [f"Content-ID: {n}" in answer.text for n in range(1, 5)] == [True] * 4
    (row,) = await client.rows("accounts", expand="primarycontactid($select=lastname)")
    assert row["telephone1"] == "425"
    assert row["primarycontactid"]["lastname"] == "B"


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([request("POST accounts", NEW)], "0x80060888"),
        ([request("POST accounts", NEW, content_id="1")] * 2, "0x80060888"),
        ([request("GET accounts", content_id="1")], "0x80060888"),
        ([request("PATCH $9", NEW, content_id="1")], "0x80060888"),
    ],
)
async def test_a_malformed_change_set_is_refused(client, parts, code):
    answer = await send_batch(client, change_set(*parts))
    assert answer.status_code == 400
    assert code in answer.text
    assert await client.rows("accounts") == []


async def test_bare_line_feeds_are_not_readable(client):
    content = multipart("batch_1", request("POST accounts", NEW)).replace("\r\n", "\n")
    error(await send_batch(client, content=content), 400, "0x80048d19")


@pytest.mark.parametrize(
    "cut", [("--batch_1--", "--batch_1"), ("\r\n--batch_1--", ""), ("HTTP/1.1", ""), ("application/http", "text/plain")]
)
async def test_broken_framing_is_not_readable(client, cut):
    content = multipart("batch_1", request("POST accounts", NEW)).replace(*cut)
    error(await send_batch(client, content=content), 400, "0x80048d19")


async def test_a_batch_holds_at_most_1000_requests_and_no_batch(client):
    parts = [request("GET WhoAmI")] * 1001
    error(await send_batch(client, *parts), 400, "0x80060888")
    assert statuses(await send_batch(client, *parts[:1000])) == [200] * 1000
    assert statuses(await send_batch(client, request("POST $batch", "x"))) == [400]


async def test_a_content_type_without_boundary_is_refused(client):
    error(await client.post("$batch", content="", headers={"Content-Type": "application/json"}), 400, "0x80048d19")


async def test_a_long_url_fits_in_a_batch(client):
    name = "x" * 40_000
    answer = await send_batch(client, request(f"GET accounts?$filter=name%20eq%20'{name}'"))
    assert statuses(answer) == [200]
    name = "x" * 66_000
    answer = await send_batch(client, request(f"GET accounts?$filter=name%20eq%20'{name}'"))
    assert statuses(answer) == [414]


async def test_a_body_that_is_no_text_is_refused_for_itself(client):
    parts = multipart("batch_1", request("POST accounts", "?"), request("POST accounts", NEW)).encode()
    answer = await send_batch(client, content=parts.replace(b"?", b"\xff\xfe"), go_on=True)
    assert statuses(answer) == [400, 204]
    assert answer.headers["Preference-Applied"] == "odata.continue-on-error"


async def test_inner_operations_are_counted(client):
    await client.door.delete("/counts")
    await send_batch(client, request("POST accounts", NEW), change_set(request("POST accounts", NEW, content_id="1")))
    counts = (await client.door.get("/counts")).json()
    del counts["execution milliseconds"]
    assert counts == {"requests": 1, "batch inner operations": 2, "operations create": 2}
