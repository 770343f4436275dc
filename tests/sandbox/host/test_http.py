import uuid

import pytest


@pytest.fixture(scope="module")
def out(queue_named):
    return queue_named(f"out-{uuid.uuid4()}")


@pytest.fixture(scope="module")
async def host(launch, out):
    return await launch("http", {"OUT_QUEUE": out.name}, "--host-id", "http-tests")


@pytest.fixture
def key(host):
    return {"x-functions-key": host.said["key"]}


@pytest.fixture
def master(host):
    return {"x-functions-key": host.said["master_key"]}


async def test_a_request_reaches_the_function_and_its_answer_comes_back(host, key):
    answer = await host.http.post("/api/echo/bob/7?x=1&x=2", content="hey", headers={**key, "X-Colour": "red"})
    assert (answer.status_code, answer.headers["x-shape"]) == (201, "round")
    assert answer.json() == {
        "method": "POST",
        "route": {"name": "bob", "number": "7"},
        "query": {"x": "1,2"},
        "header": "red",
        "body": "hey",
    }


async def test_a_function_without_a_route_is_served_under_its_name(host):
    assert (await host.http.get("/api/unrouted")).text == "hello"


@pytest.mark.parametrize("path", ["/api/nowhere", "/api/echo/bob/seven", "/api/echo/b0b", "/unrouted", "/"])
async def test_an_unknown_route_is_404(host, key, path):
    assert (await host.http.get(path, headers=key)).status_code == 404


async def test_a_method_that_is_not_listed_is_404(host, key):
    assert (await host.http.delete("/api/echo/bob", headers=key)).status_code == 404


async def test_a_literal_route_goes_before_a_parameter(host):
    assert (await host.http.get("/api/orders/NEWEST")).text == "the newest"
    assert (await host.http.get("/api/orders/17")).text == "order 17"


async def test_an_encoded_slash_stays_in_its_segment(host):
    assert (await host.http.get("/api/orders/A%2FB%20%C3%A9")).text == "order A%2FB é"


async def test_a_function_key_is_asked_for_in_header_or_query(host, master):
    wrong = {"x-functions-key": "wrong"}
    assert (await host.http.get("/api/echo/bob")).status_code == 401
    assert (await host.http.get("/api/echo/bob", headers=wrong)).status_code == 401
    assert (await host.http.get("/api/echo/bob", params={"code": host.said["key"]})).status_code == 201
    assert (await host.http.get("/api/echo/bob", headers=master)).status_code == 201


async def test_an_admin_function_wants_the_master_key(host, key, master):
    assert (await host.http.get("/api/guarded", headers=key)).status_code == 401
    assert (await host.http.get("/api/guarded", headers=master)).text == "for administrators"


async def test_an_exception_is_500_without_a_body(host):
    answer = await host.http.get("/api/boom")
    assert (answer.status_code, answer.content) == (500, b"")
    assert (await host.invocations("boom", "failed"))[0]["exception"] == "ValueError: boom hi"


async def test_cookies_come_through(host):
    cookie = (await host.http.get("/api/cookie")).headers["set-cookie"]
    assert cookie.startswith("taste=sweet;")
    assert "HttpOnly" in cookie


async def test_the_status_page_wants_the_master_key(host, key, master):
    assert (await host.http.get("/admin/host/status", headers=key)).status_code == 401
    answer = await host.http.get("/admin/host/status", headers=master)
    assert (answer.json()["id"], answer.json()["state"]) == ("http-tests", "Running")


async def test_running_an_unknown_function_by_hand_is_404(host, key):
    assert (await host.run_by_hand("nothing")).status_code == 404
    assert (await host.http.post("/admin/functions/boom", json={"input": ""}, headers=key)).status_code == 401


async def test_an_output_is_a_base64_message_on_a_queue_made_when_needed(host, out):
    assert (await host.http.post("/api/send", content="plain text")).status_code == 200
    assert await out.texts(1) == ["plain text"]
    await out.client.clear_messages()


async def test_a_text_that_reads_as_a_json_array_is_split(host, out):
    await host.http.post("/api/send", content='["one", {"two": 2}]')
    assert await out.texts(2) == ["one", '{\n  "two": 2\n}']
    await out.client.clear_messages()


async def test_a_list_output_is_a_message_for_each(host, out):
    await host.http.post("/api/send-many", content='["one", "[2]"]')
    assert await out.texts(2) == ["one", "[2]"]
    await out.client.clear_messages()


@pytest.mark.parametrize("body", ["{no json}", "x" * 49_153], ids=["braces", "over 64 KiB of base64"])
async def test_an_output_that_can_not_be_sent_fails_the_invocation(host, body):
    assert (await host.http.post("/api/send", content=body)).status_code == 500


async def test_faults_strike_before_and_after_the_function(host):
    await host.fault("host.invoke.before", "error", match="unrouted GET", text="struck before")
    assert (await host.http.get("/api/unrouted")).status_code == 500
    await host.fault("host.invoke.after", "error", match="unrouted", text="struck after")
    assert (await host.http.get("/api/unrouted")).status_code == 500
    newest = await host.invocations("unrouted", "failed", 2)
    assert [each["exception"] for each in newest[:2]] == ["struck after", "struck before"]


async def test_invocations_are_counted_apart_from_the_hosts_storage_calls(host):
    await host.admin.delete("/counts")
    await host.http.get("/api/unrouted")
    await host.http.get("/api/boom")
    assert await host.counts() == {"invocations.unrouted.ok": 1, "invocations.boom.failed": 1}


async def test_keys_survive_a_restart_and_are_the_host_ids_own(host, launch, out):
    again = await launch("http", {"OUT_QUEUE": out.name}, "--host-id", "http-tests")
    other = await launch("http", {"OUT_QUEUE": out.name}, "--host-id", "others")
    assert again.said["master_key"] == host.said["master_key"]
    assert other.said["master_key"] != host.said["master_key"]
    await again.close()
    await other.close()
