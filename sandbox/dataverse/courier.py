"""Carries webhooks to where they are registered: one POST, once more for 502, 503 and 504, and planned mishaps."""

import asyncio
import json
import ssl
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel
from yarl import URL

from sandbox.dataverse.registration import HEADER, KEY, pairs
from sandbox.dataverse.steps import Endpoint
from sandbox.door import Counts, Fault, Faults, Gaps

SEAM, ANSWERED = "dataverse.webhook", "dataverse.webhook.answered"
_AGAIN = {502, 503, 504}
_DOMAIN = "localhost"


class Undelivered(Exception):
    """A webhook was not taken; the text is what the platform says of it."""


class Letter(BaseModel):
    """One webhook to be sent, with what its headers say. `job` is its system job, none for a synchronous step."""

    step: str
    message: str
    table: str
    row: str
    correlation: str
    body: str
    stripped: bool = False
    job: str = ""


class Hosts:
    """Where on this machine the public hosts of webhooks are, kept in a file: the network outlives an environment."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def as_dict(self) -> dict[str, str]:
        return dict(self._known)

    def replace(self, known: dict[str, str]) -> None:
        """Set all of them: public host name to the base URL that stands for it. Raises ValueError for one that is
        not on this machine."""
        for base in known.values():
            if urlsplit(base).hostname not in {"localhost", "127.0.0.1"}:
                raise ValueError(f"'{base}' is no URL on this machine")
        self._known = {name.lower(): base.rstrip("/") for name, base in known.items()}
        self._file.write_text(json.dumps(self._known), encoding="utf-8")

    def resolve(self, url: str) -> str | None:
        """The URL on this machine that a public one means, None for a host nobody has named."""
        parts = urlsplit(url)
        base = self._known.get((parts.hostname or "").lower())
        return None if base is None else base + parts._replace(scheme="", netloc="").geturl()


class Courier:
    """Sends letters. `timeout` in seconds."""

    def __init__(self, hosts: Hosts, faults: Faults, counts: Counts, gaps: Gaps, ca_file: Path, timeout: float) -> None:
        self._hosts, self._faults, self._counts, self._gaps = hosts, faults, counts, gaps
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._held: list[asyncio.Event] = []

    async def deliver(self, letter: Letter, endpoint: Endpoint) -> int:
        """Send a letter, once more where the platform would; returns how often it was sent again.

        Raises Undelivered.
        """
        for again in (0, 1):
            status = await self._crossed(letter, endpoint)
            if 200 <= status < 300:
                return again
            if status not in _AGAIN:
                break
        raise Undelivered(
            f"The webhook call failed because of an invalid http response (HTTP status code: {status}). "
            "Please check your webhook request handler."
        )

    async def _crossed(self, letter: Letter, endpoint: Endpoint) -> int:
        """One attempt, with what was planned for it. Its status."""
        subject = f"POST {endpoint.url} {letter.message} {letter.table} {letter.row}\n{letter.body}"
        fault = self._faults.take(SEAM, subject)
        if fault and (status := await self._struck(fault)):
            return status
        status = await self._post(letter, endpoint)
        if fault and fault.do == "double":
            await self._post(letter, endpoint)
        if answered := self._faults.take(ANSWERED, subject):
            status = await self._struck(answered) or status
        self._release()
        return status

    async def _struck(self, fault: Fault) -> int:
        """Let a fault strike; the status it answers with, 0 for none. Raises Undelivered for a lost webhook."""
        match fault.do:
            case "drop":
                raise Undelivered("The webhook call failed because the connection was closed.")
            case "error":
                return fault.code or 500
            case "delay":
                await asyncio.sleep(fault.seconds)
            case "hold":
                await self._overtaken(fault.seconds or None)
        return 0

    async def _overtaken(self, seconds: float | None) -> None:
        """Wait until another webhook has been answered, no longer than so many seconds."""
        passed = asyncio.Event()
        self._held.append(passed)
        try:
            await asyncio.wait_for(passed.wait(), seconds)
        except TimeoutError:
            self._held.remove(passed)

    def _release(self) -> None:
        held, self._held = self._held, []
        for passed in held:
            passed.set()

    async def _post(self, letter: Letter, endpoint: Endpoint) -> int:
        url = self._hosts.resolve(endpoint.url)
        if url is None:
            self._gaps.note("webhook host", urlsplit(endpoint.url).hostname or "")
            raise Undelivered("The webhook call failed because the remote name could not be resolved.")
        self._counts.add("webhooks")
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with self._session.post(
                _signed(url, endpoint),
                data=letter.body.encode("utf-8", "surrogatepass"),
                headers=_headers(letter, endpoint),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                allow_redirects=False,
                ssl=self._tls,
                skip_auto_headers=("User-Agent",),
            ) as answer:
                await answer.read()
                return answer.status
        except TimeoutError:
            raise Undelivered(
                "The webhook call failed because the http request timed out at client side. "
                "Please check your webhook request handler."
            ) from None
        except aiohttp.ClientError as error:
            raise Undelivered(f"The webhook call failed because of an unexpected error: {error}") from None

    async def close(self) -> None:
        if self._session:
            await self._session.close()


def _signed(url: str, endpoint: Endpoint) -> URL:
    """The URL with the secret in it, where it goes there."""
    if endpoint.authtype == HEADER:
        return URL(url)
    more = [("code", endpoint.authvalue)] if endpoint.authtype == KEY else pairs(endpoint.authvalue)
    known = URL(url)
    return known.with_query([*known.query.items(), *more])


def _headers(letter: Letter, endpoint: Endpoint) -> list[tuple[str, str]]:
    found = [
        # Without a charset unless the endpoint asks for one: receivers have to know that it is UTF-8.
        ("Content-Type", "application/json; charset=utf-8" if endpoint.charset == 1 else "application/json"),
        ("Host", urlsplit(endpoint.url).netloc),
        ("x-request-id", str(uuid.uuid4())),
        ("x-ms-dynamics-organization", _DOMAIN),
        ("x-ms-dynamics-entity-name", letter.table),
        ("x-ms-dynamics-request-name", letter.message),
        ("x-ms-correlation-request-id", letter.correlation),
    ]
    if letter.stripped:
        found.append(("x-ms-dynamics-msg-size-exceeded", "true"))
    return found + (pairs(endpoint.authvalue) if endpoint.authtype == HEADER else [])
