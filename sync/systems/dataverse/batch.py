"""`$batch`: many requests in one, each with its own answer.

Dataverse insists on CRLF line ends and a blank line after the headers of every part (else 0x80048d19).
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sync.errors import RetryLater
from sync.systems.dataverse.client import DataverseClient, error_from

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)')

MOST = 1000
"""Requests that one batch may hold."""


@dataclass(frozen=True)
class Part:
    """One inner request; `path` is absolute from the server's root."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One inner answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def send(client: DataverseClient, parts: Sequence[Part]) -> list[Answer]:
    """Send the parts, each for itself; their answers in order.

    Raises SyncError when a whole batch failed: of its parts nobody knows what landed.
    """
    answers: list[Answer] = []
    for start in range(0, len(parts), MOST):
        answers += await _send(client, parts[start : start + MOST])
    return answers


async def _send(client: DataverseClient, parts: Sequence[Part]) -> list[Answer]:
    kind, body = compose(parts)
    headers = {"Content-Type": kind, "Prefer": "odata.continue-on-error"}
    response = await client.send_raw("POST", "/$batch", body, headers)
    if response.is_error:
        raise error_from(response.status_code, response.content, response.headers)
    answers = parse(response.headers.get("Content-Type", ""), response.content)
    if len(answers) != len(parts):
        raise RetryLater("Dataverse answered a part of a batch only.", code="system_unreachable", system="dataverse")
    return answers


def compose(parts: Sequence[Part]) -> tuple[str, bytes]:
    """The Content-Type and the body of a `$batch` without change sets."""
    boundary = f"batch_{uuid.uuid4()}"
    lines = [_part(boundary, part) for part in parts]
    return f'multipart/mixed; boundary="{boundary}"', b"".join(lines) + f"--{boundary}--\r\n".encode()


def parse(content_type: str, body: bytes) -> list[Answer]:
    """The inner answers in request order. Raises RetryLater when the answer is cut."""
    boundary = _BOUNDARY.search(content_type)
    pieces = body.split(b"--" + boundary[1].encode()) if boundary else []
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise RetryLater("Dataverse's batch answer is cut.", code="system_unreachable", system="dataverse")
    # Each part has headers of its own before the answer's.
    return [_answer(piece.partition(b"\r\n\r\n")[2]) for piece in pieces[1:-1]]


def _part(boundary: str, part: Part) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in part.headers.items())
    kind = "Content-Type: application/json\r\n" if part.body is not None else ""
    head = (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"{part.method} {part.path} HTTP/1.1\r\nAccept: application/json\r\n{kind}{headers}\r\n"
    )
    return head.encode() + (part.body or b"") + b"\r\n"


def _answer(payload: bytes) -> Answer:
    status_line, _, rest = payload.partition(b"\r\n")
    head, _, body = rest.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().title()] = value.strip()
    return Answer(int(status_line.split(b" ")[1]), headers, body.rstrip(b"\r\n"))
