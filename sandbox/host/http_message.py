"""HTTP requests and responses in the messages of the worker."""

from datetime import UTC
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

_SAME_SITE = {1: "Lax", 2: "Strict", 3: "None"}


async def request_data(request: web.Request, values: dict[str, str], types: Any) -> Any:
    """The TypedData of a request: lower-case header names, repeated headers joined, body only when there is one."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    http = types.RpcHttp(
        method=request.method,
        url=str(request.url),
        headers=headers,
        params=values,
        query={name: ",".join(request.query.getall(name)) for name in request.query},
    )
    if body := await request.read():
        http.body.bytes = body
    return types.TypedData(http=http)


def response(returned: Any) -> web.Response:
    """The response for what an HTTP function returned; nothing at all is 204."""
    kind = returned.WhichOneof("data") if returned is not None else None
    if kind is None:
        return web.Response(status=204)
    if kind != "http":
        return _plain(kind, getattr(returned, kind))
    http = returned.http
    headers = CIMultiDict(http.headers)
    answer = web.Response(status=int(http.status_code or 200), body=_body(http.body), headers=headers)
    for cookie in http.cookies:
        _set_cookie(answer, cookie)
    return answer


def _plain(kind: str, value: Any) -> web.Response:
    if kind == "bytes":
        return web.Response(body=value, content_type="application/octet-stream")
    content_type = "application/json" if kind == "json" else "text/plain"
    return web.Response(text=str(value), content_type=content_type)


def _body(data: Any) -> bytes:
    kind = data.WhichOneof("data")
    value = getattr(data, kind) if kind else b""
    return value if isinstance(value, bytes) else str(value).encode()


def _set_cookie(answer: web.Response, cookie: Any) -> None:
    expires = cookie.expires.value.ToDatetime(UTC) if cookie.expires.HasField("value") else None
    answer.set_cookie(
        cookie.name,
        cookie.value,
        domain=cookie.domain.value or None,
        path=cookie.path.value or "/",
        expires=format_datetime(expires, usegmt=True) if expires else None,
        max_age=int(cookie.max_age.value) if cookie.max_age.HasField("value") else None,
        secure=cookie.secure.value,
        httponly=cookie.http_only.value,
        samesite=_SAME_SITE.get(cookie.same_site),
    )
