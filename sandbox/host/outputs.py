"""The queue output binding: what a function set or returned, as messages on a queue."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from sandbox.host.functions import Function, connection_string
from sandbox.host.storage import Storage, put_message
from sandbox.host.worker import Answer


class Outputs:
    """Writes the queue outputs of an answer; `wake(queue)` is told of every queue written to."""

    def __init__(self, storage: Storage, encoding: str, wake: Callable[[str], None]) -> None:
        self._storage = storage
        self._encoding = encoding
        self._wake = wake

    async def write(self, function: Function, answer: Answer, invocation_id: str) -> None:
        """Send every message of `answer`; the storage SDK's errors go to the caller."""
        for name, binding in function.outputs.items():
            data = answer.returned if name == "$return" else answer.outputs.get(name)
            if binding["type"] != "queue" or data is None:
                continue
            queue = self._storage.queue(connection_string(binding, function.name), binding["queueName"])
            await asyncio.gather(*(put_message(queue, self._encode(body)) for body in messages(data, invocation_id)))
            self._wake(binding["queueName"])

    def _encode(self, body: str | bytes) -> str:
        raw = body if isinstance(body, bytes) else body.encode()
        return base64.b64encode(raw).decode() if self._encoding == "base64" else raw.decode()


def messages(data: Any, invocation_id: str) -> list[str | bytes]:
    """The bodies behind a TypedData.

    A string that reads as a JSON array is taken apart, as the real host does it
    (Azure/azure-functions-python-worker#1492).
    """
    kind = data.WhichOneof("data")
    if kind == "bytes":
        return [data.bytes]
    if kind == "collection_string":
        return list(data.collection_string.string)
    value = _array(data.string) if kind == "string" else _value(data, kind)
    items = value if isinstance(value, list) else [value]
    return [_text(item, invocation_id) for item in items if item is not None]


def _array(text: str) -> Any:
    if text.strip().startswith("[") and text.strip().endswith("]"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _value(data: Any, kind: str) -> Any:
    return json.loads(data.json) if kind == "json" else getattr(data, kind)


def _text(item: Any, invocation_id: str) -> str:
    if isinstance(item, dict):
        # The storage extension signs objects with the invocation that wrote them.
        return json.dumps({**item, "$AzureWebJobsParentId": invocation_id}, indent=2, ensure_ascii=False)
    return json.dumps(item, ensure_ascii=False) if isinstance(item, list) else str(item)
