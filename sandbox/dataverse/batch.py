"""`$batch`: many requests in one, with atomic change sets and references between their members."""

import re
import uuid
from dataclasses import dataclass, replace

from sandbox.dataverse import errors, multipart
from sandbox.dataverse.multipart import InnerRequest, Part, joined, request_of, response_part
from sandbox.dataverse.seams import Seams
from sandbox.dataverse.service import Service
from sandbox.dataverse.wire import Call, Preferences, Reply, parse_prefer

LIMIT = 1000
_BOUND = re.compile(rb'(@odata\.(?:bind|id)"\s*:\s*")\$(\w+)')


@dataclass(frozen=True)
class Batch:
    """Runs batches against a service."""

    service: Service
    seams: Seams

    async def run(self, call: Call) -> tuple[int, str, bytes]:
        """Carry out a batch; returns status, content type and body. Raises DataverseError when it is no batch."""
        parts = multipart.split(call.body, multipart.boundary(call.headers.get("Content-Type", "")))
        steps = [_step(part) for part in parts]
        total = sum(len(step) if isinstance(step, list) else 1 for step in steps)
        if total > LIMIT:
            raise errors.bad_query(f"The batch holds {total} requests; the limit is {LIMIT}.")
        self.service.env.counts.add("batch inner operations", total)
        status, answers = 200, []
        for step in steps:
            failed, answer = await self._take(call, step)
            answers.append(answer)
            if failed and not call.prefer.go_on:
                status = failed
                break
        mark = f"batchresponse_{uuid.uuid4()}"
        return status, f"multipart/mixed; boundary={mark}", joined(answers, mark)

    async def _take(self, call: Call, step: "InnerRequest | list[InnerRequest]") -> tuple[int, bytes]:
        """One step's failure status (0 when it went well) and its part of the answer."""
        if isinstance(step, list):
            return await self._change_set(call, step)
        reply = await self.seams.cross("dataverse.inner", f"{step.method} {step.url}")
        if reply is None:
            await self.seams.work(operations(step.method, step.url, step.body))
            reply = await self._single(call, step)
        return (reply.status if reply.status >= 400 else 0), response_part(reply, step.content_id)

    async def _single(self, call: Call, step: InnerRequest) -> Reply:
        try:
            inner = self._inner(call, step, {})
        except errors.DataverseError as error:
            return self.service.refused(error, self._prefer(step))
        return await self.service.handle(inner, in_batch=True)

    async def _change_set(self, call: Call, steps: list[InnerRequest]) -> tuple[int, bytes]:
        for step in steps:
            struck = await self.seams.cross("dataverse.inner", f"{step.method} {step.url}")
            if struck is not None:
                return struck.status, response_part(struck, step.content_id)
        await self.seams.work(sum(operations(step.method, step.url, step.body) for step in steps))
        try:
            _check_change_set(steps)
            replies = await self.service.transactions.run(lambda: self._members(call, steps))
        except errors.DataverseError as error:
            return error.status, response_part(self.service.refused(error))
        mark = f"changesetresponse_{uuid.uuid4()}"
        head = f"Content-Type: multipart/mixed; boundary={mark}\r\n\r\n".encode()
        return 0, head + joined(replies, mark)

    def _members(self, call: Call, steps: list[InnerRequest]) -> list[bytes]:
        """The answers to the members of a change set, carried out within the caller's transaction."""
        replies, made = [], {}
        for step in steps:
            inner = self._inner(call, step, made)
            inner = replace(inner, origin=replace(call.origin, change_set=len(steps)))
            reply = self.service.carry_out(inner, in_batch=True)
            made[step.content_id] = reply.headers.get("OData-EntityId", "")
            replies.append(response_part(reply, step.content_id))
        return replies

    def _inner(self, call: Call, step: InnerRequest, made: dict[str, str]) -> Call:
        url = step.url
        if match := re.match(r"/?\$(\w+)", url):
            url = _made(made, match[1]) + url[match.end() :]
        body = _BOUND.sub(lambda m: m[1] + _made(made, m[2].decode()).encode(), step.body)
        path, _, query = _below_root(call.root, url).partition("?")
        if path.rstrip("/") == "$batch":
            raise errors.bad_query("A batch cannot hold a batch.")
        return replace(
            call,
            method=step.method,
            path=path,
            query=query,
            headers=step.headers,
            body=body,
            prefer=self._prefer(step),
            origin=replace(call.origin),
        )

    def _prefer(self, step: InnerRequest) -> Preferences:
        return parse_prefer(",".join(step.headers.getall("Prefer", [])), self.service.env.gaps)


def _step(part: Part) -> InnerRequest | list[InnerRequest]:
    kind = part.headers.get("Content-Type", "")
    if not kind.startswith("multipart/mixed"):
        return request_of(part)
    return [request_of(inner) for inner in multipart.split(part.body, multipart.boundary(kind))]


def _check_change_set(steps: list[InnerRequest]) -> None:
    seen = set()
    for step in steps:
        if not step.content_id:
            raise errors.bad_query("The Content-ID header is missing in a request of a change set.")
        if step.content_id in seen:
            raise errors.bad_query(f"The content ID '{step.content_id}' was found more than once.")
        if step.method == "GET":
            raise errors.bad_query("A change set cannot hold a GET request.")
        seen.add(step.content_id)


def _made(made: dict[str, str], content_id: str) -> str:
    if not made.get(content_id):
        text = f"Content-ID Reference: '${content_id}' does not exist in the batch context."
        raise errors.bad_query(text)
    return made[content_id]


def _below_root(root: str, url: str) -> str:
    host, _, api = root.partition("/api/")
    if url.startswith(("http:", "https:")):
        if not url.lower().startswith(host.lower() + "/"):
            raise errors.bad_query(f"The request URL '{url}' is not on this service.")
        url = url[len(host) :]
    if url.startswith("/"):
        match = re.match(r"/api/data/v9(?:\.[0-2])?/", url)
        if not match:
            raise errors.no_segment(url.lstrip("/").split("/")[0] or api)
        return url[match.end() :]
    return url


def operations(method: str, url: str, body: bytes) -> int:
    """How many row operations a request stands for: its targets if it is a bulk action, else one."""
    if method == "POST" and url.partition("?")[0].endswith("Multiple"):
        return max(1, body.count(b"@odata.type"))
    return 1
