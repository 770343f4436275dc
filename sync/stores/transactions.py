"""Entity-group transactions of Table Storage, put together and taken apart by hand.

The SDK makes each of the up to 100 parts with Python's email library, which took half of the line's CPU time
(docs/decisions/0006). Sign-in, retries and connections stay the SDK's.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

type Entity = dict[str, Any]

_INT32 = 2**31
_ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n(.*?)\r\n\r\n(.*?)(?=\r\n--|\Z)", re.DOTALL)
_ETAG = re.compile(rb"^ETag: *(.*?)\r?$", re.IGNORECASE | re.MULTILINE)
_FAILED_AT = re.compile(r"^(\d+):")
_HEADERS = {
    "x-ms-version": "2019-02-02",
    "DataServiceVersion": "3.0",
    "MaxDataServiceVersion": "3.0;NetFx",
    "Accept": "application/json",
}


type Operation = tuple[str, Entity] | tuple[str, Entity, dict[str, Any]]
"""`("create" | "upsert" | "delete", entity)`, or `("update" | "delete", entity, {"etag"})`: a whole row, never a part of one."""

_VERBS = {"create": "POST", "update": "PUT", "upsert": "PUT", "delete": "DELETE"}


class Refused(HttpResponseError):
    """The service refused the transaction because of one operation; nothing of it was stored."""

    def __init__(self, status: int, code: str, index: int, text: str) -> None:
        super().__init__(text)
        self.status_code = status
        self.error_code = code
        self.index = index


async def submit(
    client: TableClient, operations: Sequence[Operation], raw_response_hook: Callable[..., Any] | None = None
) -> list[str]:
    """Carry out up to 100 operations on one partition, wholly or not at all; their new ETags.

    Raises Refused; HttpResponseError or ServiceResponseError when it is not known what became of the transaction.
    """
    batch, changes = f"batch_{uuid.uuid4()}", f"changeset_{uuid.uuid4()}"
    account, _, signature = client.url.partition("?")
    request = HttpRequest(
        "POST",
        f"{account}/$batch?{signature}".rstrip("?"),
        headers=_HEADERS | {"Content-Type": f"multipart/mixed; boundary={batch}"},
        content=b"".join(_body(f"{account}/{client.table_name}", operations, batch, changes)),
    )
    # The client's own pipeline signs and retries; streamed, since it can't decode what is no JSON.
    response = await client._client.send_request(request, stream=True, raw_response_hook=raw_response_hook)
    content = await response.read()
    if response.status_code != 202:
        raise HttpResponseError(response=response)
    etags = [_etag(*answer) for answer in _ANSWER.findall(content)]
    if len(etags) != len(operations):
        raise ServiceResponseError("the answer to a transaction is cut")
    return etags


def _body(address: str, operations: Sequence[Operation], batch: str, changes: str) -> Iterator[bytes]:
    yield f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n\r\n".encode()
    for number, operation in enumerate(operations):
        yield f"--{changes}\r\n{_part(address, operation, number)}\r\n".encode()
    yield f"--{changes}--\r\n\r\n--{batch}--\r\n".encode()


def _part(address: str, operation: Operation, number: int) -> str:
    kind, entity = operation[0], operation[1]
    created = kind == "create"
    url = (
        address
        if created
        else f"{address}(PartitionKey={_key(entity, 'PartitionKey')},RowKey={_key(entity, 'RowKey')})"
    )
    body = "" if kind == "delete" else json.dumps(_typed(entity), ensure_ascii=False, separators=(",", ":"))
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: {number}\r\n\r\n{_VERBS[kind]} {url} HTTP/1.1\r\n"
        "Accept: application/json\r\nContent-Type: application/json\r\nDataServiceVersion: 3.0\r\n"
        f"{_condition(operation)}\r\n{body}"
    )


def _typed(entity: Entity) -> Entity:
    """The row as JSON: text, true or false and 32-bit numbers as they are, a time and a larger number with their type."""
    row: Entity = {}
    for name, value in entity.items():
        match value:
            case datetime():
                row |= {name: value.astimezone(UTC).isoformat()[:-6] + "Z", f"{name}@odata.type": "Edm.DateTime"}
            case int() if abs(value) >= _INT32:
                row |= {name: str(value), f"{name}@odata.type": "Edm.Int64"}
            case str() | int() | None:
                row[name] = value
            case _:
                raise TypeError(f"{name}: no row holds a {type(value).__name__}")
    return row


def _condition(operation: Operation) -> str:
    match operation:
        case ("create", _):
            return "Prefer: return-no-content\r\n"
        case ("update", _, {"etag": etag}):
            return f"If-Match: {etag}\r\n"
        case ("delete", _, {"etag": etag}):
            return f"If-Match: {etag}\r\n"
        case ("delete", _):
            return "If-Match: *\r\n"
    return ""


def _key(entity: Entity, name: str) -> str:
    return quote("'" + str(entity[name]).replace("'", "''") + "'", safe="'~")


def _etag(status: bytes, headers: bytes, body: bytes) -> str:
    if int(status) >= 400:
        raise _refusal(int(status), body)
    found = _ETAG.search(headers)
    return found[1].decode() if found else ""


def _refusal(status: int, body: bytes) -> Refused:
    """The one answer of a refused transaction: its text begins with the number of the operation."""
    try:
        error = json.loads(body)["odata.error"]
        code, text = str(error["code"]), str(error["message"]["value"])
    except (ValueError, KeyError, TypeError):
        code, text = "", body[:200].decode(errors="replace")
    at = _FAILED_AT.match(text)
    return Refused(status, code, int(at[1]) if at else 0, text)
