"""The Dataverse Web API over httpx: sign-in, headers, exact numbers, answers turned into errors."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import simplejson

from sync.errors import BadSettings, Rejected, RetryLater, SyncError
from sync.gate import Entrance, Open
from sync.systems.dataverse.tokens import Tokens
from sync.value import visible

API = "/api/data/v9.2"

# Codes that mean "try again": SQL error and time-out, lock not obtained, SQL networking, database busy, customisation lock.
_BUSY = {"0x80044150", "0x80044151", "0x80044339", "0x80073000", "0x8004a001", "0x80071151"}
_RIGHTS = {"0x80040220", "0x80048306", "0x80072560"}
_UNKNOWN_COLUMN = ("Could not find a property named", "An undeclared property", "does not exist on type")
_REJECTIONS = {
    "0x80044331": ("value_too_long", "Dataverse refused a value"),
    "0x80060892": ("duplicate_in_target", "Dataverse holds another record with this key"),
}


class DataverseClient:
    """Sends requests to one environment. Raises SyncError; never retries by itself but for an expired token.

    Each request passes `gate` first. Raises BadSettings when `ca_file` holds no certificate.
    """

    def __init__(
        self,
        url: str,
        tokens: Tokens,
        *,
        ca_file: Path | None = None,
        timeout: float = 120,
        gate: Entrance | None = None,
    ) -> None:
        self._tokens = tokens
        self._gate = gate or Open()
        self.url = url
        self.requests = 0
        """How many requests were sent: benches and tests count them."""
        verify = trusting(ca_file) if ca_file else True
        self._http = httpx.AsyncClient(base_url=url + API, verify=verify, timeout=timeout, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON of one GET. Raises RetryLater for an answer that is none, such as a proxy's page."""
        response = await self.send("GET", path, headers=headers)
        try:
            return read_json(response.content)
        except ValueError as error:
            raise RetryLater(
                f"{self.url} answered {response.status_code} with something that is not Dataverse's.",
                code="system_unreachable",
                system="dataverse",
            ) from error

    async def send(
        self, method: str, path: str, *, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request with a JSON body. Raises the matching SyncError for any status of 400 and above."""
        content = write_json(body) if body is not None else None
        response = await self.send_raw(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        if response.is_error:
            raise error_from(response.status_code, response.content, response.headers)
        return response

    async def send_raw(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        """One request as it is; the answer whatever its status. A 401 is tried once more with a new token."""
        response = await self._once(method, path, content, headers)
        return response if response.status_code != 401 else await self._once(method, path, content, headers)

    async def _once(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> httpx.Response:
        token = await self._tokens.get()
        with await self._gate.enter() as passing:
            response = await self._request(token, method, path, content, headers)
            passing.heard(**_said(response))
        return response

    async def _request(
        self, token: str, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        self.requests += 1
        # The affinity cookie would pin all traffic to one web server, and its limits.
        self._http.cookies.clear()
        try:
            return await self._http.request(
                method,
                path,
                content=content,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept": "application/json",
                    "OData-Version": "4.0",
                    "OData-MaxVersion": "4.0",
                    **headers,
                },
            )
        except httpx.HTTPError as error:
            raise RetryLater(
                f"Dataverse at {self.url} did not answer ({type(error).__name__}).",
                code="system_unreachable",
                system="dataverse",
                details=str(error)[:300],
            ) from error


def local(link: str) -> str:
    """A link that Dataverse gave, as a path of this client: a kept one must never lead to another environment."""
    return link.partition(API)[2]


def trusting(ca_file: Path) -> ssl.SSLContext:
    """What trusts that authority alone. Raises BadSettings when the file holds none."""
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise BadSettings(
            f"{ca_file} holds no certificate authority in PEM form (GP365_CA_FILE).", code="setting_missing"
        ) from error


def read_json(content: bytes) -> dict[str, Any]:
    """Parse an answer; numbers with a fraction come as Decimal, so that no cent is lost."""
    return dict(simplejson.loads(content, use_decimal=True))


def write_json(body: object) -> bytes:
    """Write a body; Decimal goes out as a plain JSON number with all its digits."""
    return str(simplejson.dumps(body, use_decimal=True)).encode()


def error_from(status: int, content: bytes, headers: Mapping[str, str]) -> SyncError:
    """The SyncError for a failed answer: retry later, rejected, or fix settings."""
    code, text = _error_body(content)
    kind, cause, sentence = _cause(status, code, text)
    return kind(
        f"{sentence}: {text}",
        code=cause,
        system="dataverse",
        details=f"HTTP {status} {code}",
        retry_after=_pause(headers.get("Retry-After", "")),
    )


def _said(response: httpx.Response) -> dict[str, Any]:
    """What an answer says to the gate. A 503 may come from a proxy that tells no pause."""
    busy = response.status_code in (429, 503)
    pause = _pause(response.headers.get("Retry-After", "")) if busy else None
    advised = response.headers.get("x-ms-dop-hint", "")
    return {"busy": busy, "pause": pause, "advised": int(advised) if advised.isdecimal() else 0}


def _pause(asked: str) -> float | None:
    """Seconds of a Retry-After. A proxy on the way may send a date: then our own pause is taken."""
    return float(asked) or None if asked.isdecimal() else None


def _cause(status: int, code: str, text: str) -> tuple[type[SyncError], str, str]:
    """The kind of error, our code for it and the beginning of the sentence."""
    if status == 429:
        return RetryLater, "throttled", "Dataverse asks for a pause"
    if status >= 500 or code in _BUSY:
        return RetryLater, "busy", "Dataverse could not do it now"
    if status == 401:
        return BadSettings, "sign_in_failed", "Dataverse refused the token"
    if status == 403 or code in _RIGHTS:
        return BadSettings, "right_missing", "The application user lacks a right"
    if any(phrase in text for phrase in _UNKNOWN_COLUMN):
        return BadSettings, "column_missing", "Dataverse lacks a column"
    return Rejected, *_REJECTIONS.get(code, ("refused_by_target", "Dataverse refused the record"))


def _error_body(content: bytes) -> tuple[str, str]:
    try:
        error = simplejson.loads(content)["error"]
        return str(error["code"]).lower(), visible(str(error["message"])[:500])
    except (ValueError, KeyError, TypeError):
        return "", visible(content[:200].decode(errors="replace")) or "no reason given"
