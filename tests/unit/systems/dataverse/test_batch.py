"""Batches: CRLF everywhere, a blank line after each head, answers in order, a cut answer noticed."""

import pytest

from sync.errors import RetryLater
from sync.systems.dataverse.batch import Part, compose, parse

ANSWER = (
    b"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: W/"5"\r\n\r\n{"name":"\xc3\xa5\\r\\n--x"}\r\n'
    b"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n\r\n"
    b"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\nOData-EntityId: https://x/accounts(1)\r\n\r\n\r\n"
    b"--batchresponse_1--\r\n"
)


def test_every_line_of_a_batch_ends_in_crlf() -> None:
    kind, body = compose([Part("PATCH", "/api/data/v9.2/accounts(1)", b'{"a":1}', {"If-Match": 'W/"1"'})])
    boundary = kind.split('"')[1]
    assert body.startswith(f"--{boundary}\r\n".encode())
    assert body.endswith(f"--{boundary}--\r\n".encode())
    assert body.count(b"\n") == body.count(b"\r\n")
    assert b'If-Match: W/"1"\r\n\r\n{"a":1}\r\n' in body


def test_a_part_without_a_body_keeps_its_blank_line() -> None:
    _, body = compose([Part("GET", "/api/data/v9.2/accounts")])
    assert b"Accept: application/json\r\n\r\n\r\n--" in body


def test_answers_come_in_order_with_status_headers_and_exact_bytes() -> None:
    first, second, third = parse("multipart/mixed; boundary=batchresponse_1", ANSWER)
    assert (first.status, first.headers["Etag"], first.body) == (200, 'W/"5"', b'{"name":"\xc3\xa5\\r\\n--x"}')
    assert (second.status, second.headers["Retry-After"], second.body) == (429, "7", b"")
    assert (third.status, third.body) == (204, b"")


@pytest.mark.parametrize("content", [b"", ANSWER[:-4], ANSWER[:300], b"<html>a proxy's page</html>"])
@pytest.mark.parametrize("kind", ["multipart/mixed; boundary=batchresponse_1", "text/html", ""])
def test_a_cut_or_foreign_answer_is_never_taken_for_whole(kind: str, content: bytes) -> None:
    with pytest.raises(RetryLater):
        parse(kind, content)
