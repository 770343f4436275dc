"""What real Table Storage refuses and Azurite accepts: checked before a request is let through.

Source: Microsoft's pages "Understanding the Table service data model", "Table Storage error codes",
"Querying tables and entities" and "Performing entity group transactions". The code answered to a filter of
more than 15 comparisons is unconfirmed. A merge is measured by what it sends, not by what the row then holds.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

MIB = 1024 * 1024
OWN_PROPERTIES = 252
COMPARISONS = 15
OPERATIONS = 100
KEY_BYTES = 1024
SYSTEM_PROPERTIES = {"PartitionKey", "RowKey", "Timestamp"}
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_ADDRESS = re.compile(r"\(PartitionKey='((?:[^']|'')*)',\s*RowKey='((?:[^']|'')*)'\)$", re.DOTALL)
_STRING = re.compile(r"'(?:[^']|'')*'")
_COMPARISON = re.compile(r"\b(?:eq|ne|gt|ge|lt|le)\b")
_FIXED_SIZE = {"Edm.Int64": 8, "Edm.DateTime": 8, "Edm.Double": 8, "Edm.Guid": 16}


@dataclass(frozen=True)
class Refusal:
    """An answer of the real service; `operation` is the index within a transaction, None outside of one."""

    status: int
    code: str
    text: str
    operation: int | None = None


@dataclass(frozen=True)
class Operation:
    """One call on a table: `url` as sent (still percent-encoded), `body` the entity's JSON or nothing."""

    method: str
    url: str
    body: bytes


def refusal(method: str, url: str, body: bytes) -> Refusal | None:
    """How the real service would refuse this table request, or None when it is Azurite's to answer."""
    if urlsplit(url).path.endswith("/$batch"):
        return _transaction_refusal(body)
    return _operation_refusal(Operation(method, url, body))


def operations(body: bytes) -> Iterator[Operation]:
    """The calls inside the multipart body of an entity group transaction, in order."""
    boundary = re.search(rb'boundary="?(changeset[^\s";]+)', body)
    for part in body.split(b"--" + boundary[1])[1:] if boundary else []:
        _, _, request = part.partition(b"\r\n\r\n")
        head, _, payload = request.partition(b"\r\n\r\n")
        words = head.decode(errors="replace").split(" ", 2)
        if len(words) == 3:
            yield Operation(words[0], words[1], payload.strip())


def _transaction_refusal(body: bytes) -> Refusal | None:
    for index, operation in enumerate(operations(body)):
        if index == OPERATIONS:
            text = "The batch request operation exceeds the maximum 100 changes per change set."
            return Refusal(400, "InvalidInput", text, OPERATIONS - 1)
        if found := _operation_refusal(operation):
            return Refusal(found.status, found.code, found.text, index)
    return None


def _operation_refusal(operation: Operation) -> Refusal | None:
    parts = urlsplit(operation.url)
    if _comparisons(parts.query) > COMPARISONS:
        return Refusal(400, "InvalidInput", "One of the request inputs is not valid.")
    address = _ADDRESS.search(unquote(parts.path))
    keys = {}
    if address:
        keys = {
            name: value.replace("''", "'")
            for name, value in zip(("PartitionKey", "RowKey"), address.groups(), strict=True)
        }
        if any(_FORBIDDEN.search(value) for value in keys.values()):
            return Refusal(400, "InvalidInput", "Bad Request - Error in query syntax.")
    entity = _entity(operation)
    keys |= {name: value for name in ("PartitionKey", "RowKey") if isinstance(value := entity.get(name), str)}
    return _keys_refusal(keys) or _entity_refusal(entity, keys)


def _comparisons(query: str) -> int:
    return sum(len(_COMPARISON.findall(_STRING.sub("''", text))) for text in parse_qs(query).get("$filter", []))


def _entity(operation: Operation) -> dict[str, object]:
    if operation.method not in ("POST", "PUT", "PATCH", "MERGE"):
        return {}
    try:
        entity = json.loads(operation.body)
    except ValueError:
        return {}
    return entity if isinstance(entity, dict) else {}


def _keys_refusal(keys: dict[str, str]) -> Refusal | None:
    for name, value in keys.items():
        if _FORBIDDEN.search(value):
            return Refusal(400, "OutOfRangeInput", f"The '{name}' parameter of value '{value}' is out of range.")
        if len(value.encode("utf-16-le", "surrogatepass")) > KEY_BYTES:
            return Refusal(400, "KeyValueTooLarge", "The key value exceeds the maximum allowed size (1KB).")
    return None


def _entity_refusal(entity: dict[str, object], keys: dict[str, str]) -> Refusal | None:
    own = {name: value for name, value in entity.items() if "@odata." not in name and name not in SYSTEM_PROPERTIES}
    if len([name for name in own if not name.startswith("odata.")]) > OWN_PROPERTIES:
        text = "The entity contains more properties than allowed. Each entity can include up to 252 properties."
        return Refusal(400, "TooManyProperties", text)
    size = 4 + 2 * sum(len(value) for value in keys.values())
    size += sum(8 + 2 * len(name) + _size(value, entity.get(f"{name}@odata.type")) for name, value in own.items())
    if size > MIB:
        return Refusal(400, "EntityTooLarge", "The entity is larger than the maximum allowed size (1MB).")
    return None


def _size(value: object, kind: object) -> int:
    """Bytes of one value as the service counts an entity: text in UTF-16, binary decoded."""
    if isinstance(kind, str) and kind in _FIXED_SIZE:
        return _FIXED_SIZE[kind]
    if isinstance(value, str):
        return 4 + (len(value) * 3 // 4 if kind == "Edm.Binary" else len(value.encode("utf-16-le", "surrogatepass")))
    return {bool: 1, int: 4, float: 8}.get(type(value), 0)
