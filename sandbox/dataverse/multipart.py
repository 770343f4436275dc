"""The MIME of `$batch`: cut a body into parts and put parts together. Line ends must be CRLF."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from multidict import CIMultiDict

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.wire import Reply


@dataclass(frozen=True)
class Part:
    """One part: its MIME headers and what follows the blank line."""

    headers: CIMultiDict[str]
    body: bytes


@dataclass(frozen=True)
class InnerRequest:
    """A request inside a part; `content_id` is the part's Content-ID, "" without one."""

    method: str
    url: str
    headers: CIMultiDict[str]
    body: bytes
    content_id: str


def unreadable(why: str) -> DataverseError:
    text = f"Error identified in Payload provided by the user: the stream was not readable: {why}"
    return DataverseError(400, "0x80048d19", text)


def boundary(content_type: str) -> str:
    """The boundary of a multipart content type, quoted or not. Raises DataverseError 0x80048d19 without one."""
    match = re.search(r'boundary=(?:"([^"]+)"|([^;\s]+))', content_type)
    if not match or not content_type.lower().startswith("multipart/mixed"):
        raise unreadable(f"'{content_type}' is no multipart/mixed with a boundary.")
    return match[1] or match[2]


def split(body: bytes, mark: str) -> list[Part]:
    """The parts between the boundaries. Raises DataverseError 0x80048d19, also for bare line feeds."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + mark.encode())
    parts, closed = [], False
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            closed = True
            break
        if not piece.startswith(b"\r\n"):
            raise unreadable("a boundary must end its line with CRLF.")
        parts.append(_part(piece[2:]))
    if not closed:
        raise unreadable("the closing boundary is missing.")
    return parts


def _part(piece: bytes) -> Part:
    head, found, body = piece.partition(b"\r\n\r\n")
    if not found:
        raise unreadable("a part needs a blank line after its headers.")
    return Part(_headers(head), body)


def _headers(head: bytes) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for line in filter(None, head.decode("utf-8", "replace").split("\r\n")):
        name, found, value = line.partition(":")
        if not found or "\n" in line:
            raise unreadable("a header line is malformed.")
        headers[name.strip()] = value.strip()
    return headers


def request_of(part: Part) -> InnerRequest:
    """The HTTP request in a part. Raises DataverseError 0x80048d19."""
    if not part.headers.get("Content-Type", "").startswith("application/http"):
        raise unreadable("a part must be application/http or multipart/mixed.")
    # The line end before the boundary may be the one that ends the headers.
    head, found, body = (part.body + b"\r\n").partition(b"\r\n\r\n")
    if not found:
        raise unreadable("a request needs a blank line after its headers.")
    line, _, rest = head.partition(b"\r\n")
    match = re.fullmatch(r"([A-Z]+) (\S+) HTTP/1\.1", line.decode("utf-8", "replace").strip())
    if not match:
        raise unreadable("a request line is malformed.")
    content_id = part.headers.get("Content-ID", "")
    return InnerRequest(match[1], match[2], _headers(rest), body.strip(), content_id)


def response_part(reply: Reply, content_id: str = "") -> bytes:
    """A reply as a part, without the boundary before it."""
    text = reply.text()
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        head.append(f"Content-ID: {content_id}")
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    if text:
        lines.append(f"Content-Type: {reply.content_type()}")
    lines += [f"{name}: {value}" for name, value in reply.headers.items() if name != "Content-Type"]
    lines.append("OData-Version: 4.0")
    return "\r\n".join([*head, "", *lines, "", text]).encode()


def joined(parts: list[bytes], mark: str) -> bytes:
    """A multipart body."""
    body = b"".join(b"--" + mark.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + mark.encode() + b"--\r\n"
