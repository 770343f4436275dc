"""The queue output binding: what a function set or returned, as messages on a queue."""

import base64
import json
import re
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

    async def write(self, function: Function, answer: Answer) -> None:
        """Send every message of `answer`; raises ValueError and the storage SDK's errors."""
        for name, binding in function.outputs.items():
            data = answer.returned if name == "$return" else answer.outputs.get(name)
            if binding["type"] != "queue" or data is None:
                continue
            queue = self._storage.queue(connection_string(binding, function.name), binding["queueName"])
            for body in messages(data):
                await put_message(queue, self._encode(body))
            self._wake(binding["queueName"])

    def _encode(self, body: str | bytes) -> str:
        raw = body if isinstance(body, bytes) else body.encode()
        return base64.b64encode(raw).decode() if self._encoding == "base64" else raw.decode()


def messages(data: Any) -> list[str | bytes]:
    """The bodies behind a TypedData.

    A string in braces or brackets is JSON to the real host: an array is taken apart into messages
    (Azure/azure-functions-python-worker#1492), an object written anew with indents, anything else in them fails
    the invocation (ValueError). Source: FunctionBinding.ReadAsEnumerable of azure-functions-host (MIT).
    """
    kind = data.WhichOneof("data")
    if kind == "bytes":
        return [data.bytes]
    if kind == "collection_string":
        return list(data.collection_string.string)
    if kind == "json" or (kind == "string" and _looks_like_json(data.string)):
        value = json.loads(data.json or data.string)
    else:
        value = getattr(data, kind)
    return [_text(item) for item in (value if isinstance(value, list) else [value])]


def _looks_like_json(text: str) -> bool:
    return re.fullmatch(r"\s*(\{.*\}|\[.*\])\s*", text, re.DOTALL) is not None


def _text(item: Any) -> str:
    if isinstance(item, dict | list):
        return json.dumps(item, indent=2, ensure_ascii=False)
    return "" if item is None else str(item)
