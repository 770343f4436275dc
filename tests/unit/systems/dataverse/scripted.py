"""Dataverse's far end, scripted: what it was asked, and the answers it gives in turn."""

import re
from dataclasses import dataclass, field

import httpx

from sync.systems.dataverse.client import API, DataverseClient, write_json
from sync.systems.dataverse.tokens import Credentials, Tokens

URL = "https://contoso.crm4.dynamics.com"
US = "11111111-1111-1111-1111-111111111111"


class _Signed(Tokens):
    async def get(self) -> str:
        return "token"


@dataclass
class FarEnd:
    """`parts` are the requests of each batch, `direct` the other requests. A batch takes the next of `batches`."""

    batches: list[list[bytes] | httpx.Response] = field(default_factory=list)
    others: dict[str, httpx.Response] = field(default_factory=dict)
    parts: list[list[str]] = field(default_factory=list)
    direct: list[httpx.Request] = field(default_factory=list)

    def client(self) -> DataverseClient:
        client = DataverseClient(URL, _Signed(Credentials("")))
        client._http = httpx.AsyncClient(base_url=URL + API, transport=httpx.MockTransport(self._answer))
        return client

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/$batch"):
            self.parts.append(re.split(r"--batch_[0-9a-f-]+", request.content.decode())[1:-1])
            answer = self.batches.pop(0)
            return answer if isinstance(answer, httpx.Response) else _batch(answer)
        self.direct.append(request)
        if request.url.path.endswith("/WhoAmI"):
            return httpx.Response(200, json={"UserId": US})
        return next(answer for name, answer in self.others.items() if name in request.url.path)


def answered(status: int, body: object = None, **headers: str) -> bytes:
    """One inner answer of a batch."""
    lines = [
        f"HTTP/1.1 {status} Said",
        "OData-Version: 4.0",
        *(f"{name.replace('_', '-')}: {text}" for name, text in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + (write_json(body) if body is not None else b"")


def refused(status: int, code: str, **headers: str) -> bytes:
    return answered(status, {"error": {"code": code, "message": "no"}}, **headers)


def _batch(answers: list[bytes]) -> httpx.Response:
    head = b"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    body = b"".join(head + answer + b"\r\n" for answer in answers) + b"--batchresponse_1--\r\n"
    return httpx.Response(200, content=body, headers={"Content-Type": "multipart/mixed; boundary=batchresponse_1"})
