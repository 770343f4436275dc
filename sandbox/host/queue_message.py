"""A queue message as the trigger hands it over: its body and its metadata."""

import base64
import json
from typing import Any

from azure.storage.queue import QueueMessage


def decode(content: str, encoding: str) -> bytes:
    """The bytes of a stored message; raises ValueError where base64 is expected and not found."""
    if encoding == "none":
        return content.encode()
    return base64.b64decode("".join(content.split()), validate=True)


def payload(body: bytes, data_type: str | None, types: Any) -> Any:
    """The TypedData for the function: bytes if its binding asks for binary, else text.

    Raises ValueError (UnicodeDecodeError) for text that is not UTF-8.
    """
    if (data_type or "").upper() == "BINARY":
        return types.TypedData(bytes=body)
    return types.TypedData(string=body.decode())


def metadata(message: QueueMessage, body: bytes, types: Any) -> dict[str, Any]:
    """The trigger metadata, TypedData by name.

    Top-level properties of a JSON object in the body overwrite metadata of the same name in any case, as in
    the real host (Azure/azure-functions-python-worker#1373). Arrays and nulls are left out there.
    """
    values: dict[str, Any] = {
        "DequeueCount": message.dequeue_count,
        "ExpirationTime": _moment(message.expires_on),
        "Id": message.id,
        "InsertionTime": _moment(message.inserted_on),
        "NextVisibleTime": _moment(message.next_visible_on),
        "PopReceipt": message.pop_receipt,
    }
    text = body.decode(errors="ignore")
    found = {name: types.TypedData(json=json.dumps(value)) for name, value in values.items()}
    found["QueueTrigger"] = types.TypedData(string=text)
    names = {name.lower(): name for name in found}
    for name, value in _properties(text).items():
        found[names.setdefault(name.lower(), name)] = _property(value, types)
    return found


def _moment(value: Any) -> str:
    return str(value.isoformat())


def _properties(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    return {name: each for name, each in value.items() if each is not None and not isinstance(each, list)}


def _property(value: Any, types: Any) -> Any:
    if isinstance(value, dict):
        return types.TypedData(json=json.dumps(value))
    return types.TypedData(string=str(value))
