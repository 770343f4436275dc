import pytest
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceModifiedError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.storage.blob.aio import BlobServiceClient

from sandbox.door import Fault


def row(number=1, **values):
    return {"PartitionKey": "p", "RowKey": f"r{number}", **values}


async def refused(code, awaitable):
    with pytest.raises(HttpResponseError) as caught:
        await awaitable
    assert code in str(caught.value)
    return caught.value


async def test_keys_with_spaces_quotes_percent_and_accents_survive_the_signature(table):
    for key in ("a b", "it's", "50%", "é~1", "a%2Fb"):
        await table.create_entity({"PartitionKey": key, "RowKey": key, "v": 1})
        assert (await table.get_entity(key, key))["v"] == 1


async def test_etags_pass_through(table):
    await table.create_entity(row(v=1))
    first = (await table.get_entity("p", "r1")).metadata["etag"]
    await table.update_entity(row(v=2), UpdateMode.REPLACE)
    with pytest.raises(ResourceModifiedError):
        await table.update_entity(
            row(v=3), UpdateMode.REPLACE, etag=first, match_condition=MatchConditions.IfNotModified
        )


async def test_a_transaction_of_100_passes_and_is_one_call(box, table):
    box.door.counts.reset()
    await table.submit_transaction([("create", row(n)) for n in range(100)])
    assert box.door.counts.dict() == {"app.table.transaction": 1}


async def test_a_transaction_of_101_is_refused_at_its_hundredth_operation(table):
    with pytest.raises(TableTransactionError) as caught:
        await table.submit_transaction([("create", row(n)) for n in range(101)])
    assert (caught.value.error_code, caught.value.index) == ("InvalidInput", 99)


async def test_a_transaction_over_4_mib_is_refused(table):
    rows = [("create", row(n, **{f"v{i}": "x" * 30000 for i in range(16)})) for n in range(10)]
    await refused("RequestBodyTooLarge", table.submit_transaction(rows))


async def test_a_bad_operation_is_named_and_undoes_the_whole_transaction(table):
    with pytest.raises(TableTransactionError) as caught:
        await table.submit_transaction(
            [("create", row(1)), ("create", row(2, **{f"v{i}": "x" * 32000 for i in range(20)}))]
        )
    assert (caught.value.error_code, caught.value.index) == ("EntityTooLarge", 1)
    assert [entity async for entity in table.list_entities()] == []


async def test_an_entity_over_1_mib_is_refused(table):
    await refused("EntityTooLarge", table.create_entity(row(**{f"v{i}": "x" * 32000 for i in range(20)})))


async def test_252_own_properties_pass_and_253_are_refused(table):
    await table.upsert_entity(row(**{f"v{i}": i for i in range(252)}))
    await refused("TooManyProperties", table.upsert_entity(row(**{f"v{i}": i for i in range(253)})))


@pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\tb", "a\x7fb", "a\x85b"])
async def test_a_forbidden_key_character_is_a_400(table, key):
    error = await refused("OutOfRangeInput", table.create_entity({"PartitionKey": "p", "RowKey": key}))
    assert error.status_code == 400
    await refused("InvalidInput", table.upsert_entity({"PartitionKey": "p", "RowKey": key}))


async def test_a_key_over_1_kib_is_refused(table):
    await table.create_entity({"PartitionKey": "p", "RowKey": "k" * 512})
    await refused("KeyValueTooLarge", table.create_entity({"PartitionKey": "p", "RowKey": "k" * 513}))


async def test_fifteen_comparisons_pass_and_sixteen_are_refused(table):
    await table.create_entity(row(v="a eq b"))

    async def rows(count):
        text = " or ".join(["v eq 'a eq b'"] * count)
        return [entity async for entity in table.query_entities(text)]

    assert len(await rows(15)) == 1
    await refused("InvalidInput", rows(16))


async def test_pages_go_on_by_their_token(table):
    for start in range(0, 1100, 100):
        await table.submit_transaction([("create", row(n)) for n in range(start, start + 100)])
    assert len([entity async for entity in table.list_entities()]) == 1100


async def test_calls_are_counted_by_caller_and_kind(box, table):
    box.door.counts.reset()
    await table.create_entity(row())
    await table.get_entity("p", "r1")
    assert box.door.counts.dict() == {"app.table.insert": 1, "app.table.get": 1}


async def test_queue_calls_have_their_names(box):
    queue = box.queues.get_queue_client("named")
    await queue.create_queue()
    await queue.send_message("x")
    message = await queue.receive_message()
    message = await queue.update_message(message, visibility_timeout=1)
    await queue.delete_message(message)
    await queue.delete_queue()
    names = ["queue_create", "put", "get", "update", "delete", "queue_delete"]
    assert box.door.counts.dict() == {f"host.queue.{name}": 1 for name in names}


async def test_blobs_and_their_leases_pass_through(box):
    async with BlobServiceClient.from_connection_string(box.connection, retry_total=0) as blobs:
        container = await blobs.create_container("blobs")
        blob = await container.upload_blob("b", b"one")
        lease = await blob.acquire_lease(15)
        await refused("LeaseIdMissing", blob.upload_blob(b"two", overwrite=True))
        await lease.release()
        assert await (await blob.download_blob()).readall() == b"one"
        assert (await blob.get_blob_properties()).size == 3


async def test_a_fault_before_leaves_nothing_done(box, table):
    box.door.faults.add(Fault(at="storage.before", match=r"table\.insert", do="error"))
    assert (await refused("ServerBusy", table.create_entity(row()))).status_code == 503
    await table.create_entity(row())


async def test_a_fault_after_loses_the_answer_of_what_was_done(box, table):
    box.door.faults.add(Fault(at="storage.after", match=r"table\.insert", do="drop"))
    with pytest.raises(AzureError):
        await table.create_entity(row())
    await refused("EntityAlreadyExists", table.create_entity(row()))


async def test_a_busy_queue_answers_in_the_queue_service_s_own_form(box):
    queue = box.queues.get_queue_client("busy")
    box.door.faults.add(Fault(at="storage.before", match="queue_create /.*/busy", do="error", code=500))
    assert (await refused("InternalError", queue.create_queue())).status_code == 500


async def test_a_fault_can_tell_calls_apart_by_what_they_carry(box, table):
    box.door.faults.add(Fault(at="storage.before", match=r'table\.insert[^\n]*\n.*"v": ?2', do="error"))
    await table.create_entity(row(1, v=1))
    await refused("ServerBusy", table.create_entity(row(2, v=2)))
