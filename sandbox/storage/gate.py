"""In front of one Azurite service: counts calls, misbehaves on demand, refuses what Azure refuses."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from yarl import URL

from sandbox.door import Door, Fault
from sandbox.storage.limits import Refusal, refusal
from sandbox.storage.operation import caller, kind

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-connection"}
_CODES = {500: "InternalError", 503: "ServerBusy"}


class Gate:
    """Serves `service` ("blob", "queue", "table") in front of the Azurite at `upstream`, a port of 127.0.0.1.

    Counts each call as `{caller}.{service}.{kind}`. Seams for faults: "storage.before" (nothing has happened
    yet) and "storage.after" (Azurite has done it, the answer is lost or replaced); subject "{kind} {path}", a new line
    and the body.
    """

    def __init__(self, service: str, upstream: int, door: Door) -> None:
        self._service = service
        self._upstream = f"http://127.0.0.1:{upstream}"
        self._door = door
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self, port: int = 0) -> int:
        """Serve on 127.0.0.1 and return the port."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            auto_decompress=False,
            skip_auto_headers=["User-Agent", "Accept", "Accept-Encoding", "Content-Type"],
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._runner = web.ServerRunner(web.Server(self._pass, access_log=None), shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()

    async def _pass(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        name = kind(self._service, request.method, request.path, request.query, request.headers)
        self._door.counts.add(f"{caller(request.headers.get('User-Agent', ''))}.{name}")
        subject = f"{name} {request.path}\n{body.decode(errors='replace')}"
        if struck := await self._strike(request, "storage.before", subject):
            return struck
        if self._service == "table" and (refused := refusal(request.method, request.raw_path, body)):
            return _answer_refusal(refused, request)
        answer = await self._forward(request, body)
        return await self._strike(request, "storage.after", subject) or answer

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        # Shared keys sign the path and some headers as sent, so both go on untouched, Host included.
        assert self._session
        url = URL(self._upstream + request.raw_path, encoded=True)
        async with self._session.request(
            request.method,
            url,
            data=body or None,
            headers=_end_to_end(request.headers),
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            return web.Response(
                status=answer.status, reason=answer.reason, body=content, headers=_end_to_end(answer.headers)
            )

    async def _strike(self, request: web.BaseRequest, seam: str, subject: str) -> web.StreamResponse | None:
        fault = self._door.faults.take(seam, subject)
        if not fault:
            return None
        if fault.do == "delay":
            await asyncio.sleep(fault.seconds)
            return None
        if fault.do == "drop":
            if request.transport:
                request.transport.abort()
            raise asyncio.CancelledError
        return self._answer_fault(fault)

    def _answer_fault(self, fault: Fault) -> web.Response:
        status = fault.code or 503
        code = _CODES.get(status, "InternalError")
        text = fault.text or f"{code} (injected)"
        if self._service == "table":
            return _table_error(Refusal(status, code, text))
        xml = f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        return web.Response(
            status=status,
            body=f'<?xml version="1.0" encoding="utf-8"?>{xml}'.encode(),
            content_type="application/xml",
            headers={"x-ms-error-code": code},
        )


def _end_to_end(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP]


def _answer_refusal(refused: Refusal, request: web.BaseRequest) -> web.Response:
    error = _table_error(refused)
    if refused.operation is None:
        return error
    # A refused transaction is itself accepted (202); the one inner answer carries the error.
    outer, inner = f"batchresponse_{uuid.uuid4()}", f"changesetresponse_{uuid.uuid4()}"
    lines = [
        f"--{outer}",
        f"Content-Type: multipart/mixed; boundary={inner}",
        "",
        f"--{inner}",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        f"HTTP/1.1 {refused.status} Bad Request",
        "DataServiceVersion: 3.0;",
        "Content-Type: application/json;odata=minimalmetadata;streaming=true;charset=utf-8",
        "",
        error.text or "",
        f"--{inner}--",
        f"--{outer}--",
        "",
    ]
    return web.Response(
        status=202,
        body="\r\n".join(lines).encode(),
        headers={"Content-Type": f"multipart/mixed; boundary={outer}", "x-ms-version": _version(request)},
    )


def _table_error(refused: Refusal) -> web.Response:
    index = "" if refused.operation is None else f"{refused.operation}:"
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    value = f"{index}{refused.text}\nRequestId:{uuid.uuid4()}\nTime:{stamp}"
    error = {"code": refused.code, "message": {"lang": "en-US", "value": value}}
    return web.Response(
        status=refused.status,
        body=json.dumps({"odata.error": error}).encode(),
        headers={"Content-Type": "application/json;odata=minimalmetadata", "x-ms-error-code": refused.code},
    )


def _version(request: web.BaseRequest) -> str:
    return request.headers.get("x-ms-version", "2019-02-02")
