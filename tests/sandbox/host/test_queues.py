import asyncio
import json
import uuid
from datetime import timedelta

import pytest

QUEUES = "AzureFunctionsJobHost__extensions__queues__"


@pytest.fixture(scope="module")
def shared_queue(queue_named):
    return queue_named(f"shared-{uuid.uuid4()}")


@pytest.fixture(scope="module")
async def shared_host(launch, shared_queue):
    await shared_queue.client.create_queue()
    host = await launch("queues", {"IN_QUEUE": shared_queue.name})
    yield host
    await host.close()


@pytest.fixture
async def shared_seen(shared_queue, queue_named):
    queue = queue_named(f"{shared_queue.name}-seen")
    yield queue
    if await queue.peek():
        await queue.client.clear_messages()


async def test_a_message_is_worked_and_deleted(shared_host, shared_queue, shared_seen):
    queue, seen = shared_queue, shared_seen
    sent = await queue.put("hello")
    assert json.loads((await seen.texts(1))[0]) == {"text": "hello", "id": sent.id, "count": 1, "at_once": 1}
    await queue.emptied()


async def test_a_queue_that_appears_later_is_polled(start_queues, queue, seen):
    await queue.client.delete_queue()
    await start_queues()
    await queue.client.create_queue()
    await queue.put("late")
    assert len(await seen.texts(1)) == 1


async def test_a_failing_message_is_tried_five_times_and_then_lies_in_poison(start_queues, queue, poison):
    host = await start_queues(**{"AzureWebJobs.take_poison.Disabled": "true"})
    sent = await queue.put("fail for ever")
    assert await poison.texts(1) == ["fail for ever"]
    [copy] = await poison.peek()
    assert (copy.id == sent.id, copy.dequeue_count) == (False, 0)
    assert copy.expires_on - copy.inserted_on == timedelta(days=7)
    await queue.emptied()
    assert len(await host.invocations("take", "failed", 5)) == 5


async def test_the_function_of_a_poison_queue_gets_what_failed(shared_host, shared_queue):
    await shared_queue.put("fail for ever")
    assert "fail for ever" in (await shared_host.invocations("take_poison", "ok"))[0]["subject"]


async def test_the_last_failure_goes_to_poison_without_another_delivery(start_queues, queue, poison):
    await start_queues(
        **{
            f"{QUEUES}maxDequeueCount": "1",
            f"{QUEUES}visibilityTimeout": "1.00:00:00",
            "AzureWebJobs.take_poison.Disabled": "true",
        }
    )
    await queue.put("fail once")
    assert await poison.texts(1) == ["fail once"]


async def test_a_failure_on_a_poison_queue_leaves_the_message_invisible(start_queues, poison):
    host = await start_queues()
    await poison.client.create_queue()
    await poison.put("worse")
    await host.invocations("take_poison", "failed")
    host.terminate()
    assert await host.child.wait() == 0
    assert await poison.peek() == []
    assert (await poison.client.get_queue_properties()).approximate_message_count == 1


async def test_a_message_that_is_no_base64_goes_to_poison_without_a_call(start_queues, queue, poison):
    host = await start_queues(**{"AzureWebJobs.take_poison.Disabled": "true"})
    await poison.client.create_queue()
    await queue.client.send_message("no base64!")
    await queue.emptied()
    assert [each.content for each in await poison.peek()] == ["no base64!"]
    assert await host.invocations("take", count=0) == []


async def test_message_encoding_none_takes_the_text_as_it_is(start_queues, queue, seen):
    await start_queues(**{f"{QUEUES}messageEncoding": "none"})
    await queue.client.send_message("no base64!")
    [content] = await seen.contents(1)
    assert json.loads(content)["text"] == "no base64!"


async def test_the_delay_after_a_failure_is_the_visibility_timeout_of_host_json(start_queues, queue):
    host = await start_queues(scale=1, **{f"{QUEUES}visibilityTimeout": "01:00:00"})
    await queue.put("fail later")
    await host.invocations("take", "failed")
    host.terminate()
    assert await host.child.wait() == 0
    assert await queue.peek() == []
    assert (await queue.client.get_queue_properties()).approximate_message_count == 1


async def test_a_property_of_the_body_overwrites_metadata_of_the_same_name(shared_host, shared_queue, shared_seen):
    await shared_queue.put('{"id": "not the message\'s"}')
    assert json.loads((await shared_seen.texts(1))[0])["id"] == "not the message's"


async def test_a_body_that_spoils_the_metadata_fails_the_invocation(shared_host, shared_queue):
    await shared_queue.put('{"dequeueCount": "many"}')
    [run, *_] = await shared_host.invocations("take", "failed", match="dequeueCount")
    assert "cannot convert" in run["exception"]


async def test_no_more_than_batch_size_run_at_once_without_a_threshold(start_queues, queue, seen):
    await asyncio.gather(*(queue.put(f"slow 0.1 {number}") for number in range(6)))
    await start_queues(**{f"{QUEUES}batchSize": "2", f"{QUEUES}newBatchThreshold": "0"})
    assert max(json.loads(text)["at_once"] for text in await seen.texts(6)) == 2


async def test_a_message_is_renewed_while_it_is_worked(start_queues, queue, seen):
    host = await start_queues(scale=0.002)
    await queue.put("slow 2.5")
    assert json.loads((await seen.texts(1))[0])["count"] == 1
    await queue.emptied()
    assert len(await host.invocations("take")) == 1


async def test_a_killed_hosts_message_comes_back_when_its_visibility_ends(start_queues, queue, seen):
    host = await start_queues(scale=0.002)
    await host.fault("host.invoke.after", "drop", match="hello")
    await queue.put("hello")
    assert await host.child.wait() == 137
    await start_queues(scale=0.002)
    first, second = (json.loads(text) for text in await seen.texts(2))
    assert (first["count"], second["count"]) == (1, 2)


async def test_a_message_that_kills_too_often_goes_to_poison_without_a_call(start_queues, queue, poison):
    settings = {f"{QUEUES}maxDequeueCount": "1", "AzureWebJobs.take_poison.Disabled": "true"}
    host = await start_queues(scale=0.002, **settings)
    await host.fault("host.invoke.before", "drop")
    await queue.put("deadly")
    assert await host.child.wait() == 137
    again = await start_queues(scale=0.002, **settings)
    assert await poison.texts(1) == ["deadly"]
    assert await again.invocations("take", count=0) == []


async def test_two_hosts_share_a_queue_without_doubling(start_queues, queue, seen):
    one, two = await asyncio.gather(start_queues("--host-id", "one"), start_queues("--host-id", "two"))
    await asyncio.gather(*(queue.put(f"slow 0.05 {number}") for number in range(40)))
    texts = {json.loads(text)["text"] for text in await seen.texts(32)}
    await queue.emptied()
    ran = [await host.invocations("take", "ok", 0) for host in (one, two)]
    assert len(texts) == 32
    assert sum(map(len, ran)) == 40
    assert all(ran)


async def test_a_function_run_by_hand_gets_the_input(shared_host, shared_seen):
    assert (await shared_host.run_by_hand("take", "by hand")).status_code == 202
    assert json.loads((await shared_seen.texts(1))[0]) == {"text": "by hand", "id": None, "count": None, "at_once": 1}


async def test_a_disabled_function_is_not_run(start_queues, queue):
    host = await start_queues(**{"AzureWebJobs.take.Disabled": "1"})
    assert host.said["functions"] == ["take_poison"]
    assert (await host.run_by_hand("take")).status_code == 404


async def test_logs_name_the_function_and_the_invocation(shared_host, shared_queue, shared_seen):
    await shared_queue.put("logged")
    await shared_seen.texts(1)
    [run] = await shared_host.invocations("take", "ok", match="logged")
    assert f"take {run['id']}: took logged" in shared_host.child.last_words()


async def test_a_delay_fault_holds_the_function_back(shared_host, shared_queue, shared_seen):
    await shared_host.fault("host.invoke.before", "delay", seconds=0.05)
    await shared_queue.put("hello")
    await shared_seen.texts(1)
    assert (await shared_host.invocations("take", "ok"))[0]["seconds"] >= 0.05
