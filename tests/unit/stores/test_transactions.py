"""Transactions as bytes: what goes out can be read back, and what comes in is understood."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from hypothesis import given
from hypothesis import strategies as st

from sync.stores.transactions import Operation, Refused, submit

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


class Client:
    """A table client whose service answers what it is told to."""

    url = "https://acc.table.example"
    table_name = "t"

    def __init__(self, status: int, content: str) -> None:
        self._status, self._content = status, content
        self.sent = b""
        self._client = self

    async def send_request(self, request: Any, **_: Any) -> Any:
        self.sent = request.content

        async def read() -> bytes:
            return self._content.encode()

        return SimpleNamespace(status_code=self._status, read=read, reason="", headers={}, text=lambda: self._content)


def answer(*parts: str) -> str:
    return "".join(f"--c\r\nContent-Type: application/http\r\n\r\n{part}\r\n" for part in parts) + "--c--\r\n--b--\r\n"


def stored(etag: str) -> str:
    return f"HTTP/1.1 204 No Content\r\nDataServiceVersion: 3.0;\r\nETag: {etag}\r\n\r\n"


@given(TEXT, TEXT)
async def test_any_text_goes_out_as_it_is(key: str, value: str) -> None:
    client = Client(202, answer(stored("1")))
    await submit(client, [("upsert", {"PartitionKey": "p", "RowKey": key, "v": value})])
    head, _, rest = client.sent.partition(b" HTTP/1.1\r\n")
    body = json.loads(rest.split(b"\r\n\r\n", 1)[1].split(b"\r\n--changeset_")[0])
    assert body == {"PartitionKey": "p", "RowKey": key, "v": value}
    assert head.count(b"\r\n\r\n") == 2
    assert head.endswith(b")")


async def test_times_and_large_numbers_keep_their_types() -> None:
    client = Client(202, answer(stored("1")))
    row = {"PartitionKey": "p", "RowKey": "r", "at": datetime(2026, 11, 24, 1, 2, 3, 4, UTC), "n": 2**40, "b": True}
    await submit(client, [("create", row)])
    assert b'"at":"2026-11-24T01:02:03.000004Z","at@odata.type":"Edm.DateTime"' in client.sent
    assert b'"n":"1099511627776","n@odata.type":"Edm.Int64","b":true' in client.sent


async def test_etags_come_back_in_order() -> None:
    operations: list[Operation] = [("upsert", {"PartitionKey": "p", "RowKey": str(n)}) for n in range(2)]
    assert await submit(Client(202, answer(stored('W/"1"'), stored('W/"2"'))), operations) == ['W/"1"', 'W/"2"']


async def test_a_refusal_names_the_operation_and_its_code() -> None:
    error = json.dumps({"odata.error": {"code": "UpdateConditionNotSatisfied", "message": {"value": "1:No.\nTime"}}})
    client = Client(202, answer(f"HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n{error}"))
    with pytest.raises(Refused) as caught:
        await submit(client, [("upsert", {"PartitionKey": "p", "RowKey": str(n)}) for n in range(2)])
    assert (caught.value.status_code, caught.value.error_code, caught.value.index) == (
        *(412, "UpdateConditionNotSatisfied"),
        1,
    )


async def test_a_cut_answer_is_no_success() -> None:
    with pytest.raises(ServiceResponseError):
        await submit(Client(202, answer(stored("1"))), [("upsert", {"PartitionKey": "p", "RowKey": r}) for r in "ab"])


async def test_a_service_that_takes_no_transaction_is_told_apart() -> None:
    with pytest.raises(HttpResponseError) as caught:
        await submit(Client(503, "busy"), [("upsert", {"PartitionKey": "p", "RowKey": "r"})])
    assert caught.value.status_code == 503


async def test_what_no_row_can_hold_is_refused_before_it_is_sent() -> None:
    client = Client(202, "")
    with pytest.raises(TypeError, match="no row holds"):
        await submit(client, [("create", {"PartitionKey": "p", "RowKey": "r", "v": 1.5})])
    assert client.sent == b""
