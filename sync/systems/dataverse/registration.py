"""Brings the webhooks of one environment to what is wanted, or takes them away, through the Web API. Idempotent.

The names here are lower-case: Dataverse refuses any other spelling of these navigation properties.
"""

import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync.errors import BadSettings
from sync.stores.registrations import Registrations
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.wanted import NAME, PREFIX, Door, Image, Step, endpoint_row

ENDPOINTS, STEPS, IMAGES = "serviceendpoints", "sdkmessageprocessingsteps", "sdkmessageprocessingstepimages"
ENABLED = {"statecode": 0, "statuscode": 1}
OPTIONAL = ("Merge",)
"""Messages that not every table has."""

type Row = Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """One thing that was looked at: present, created, changed or deleted, and how it differed; told without secrets."""

    what: str
    state: str
    differences: tuple[str, ...] = ()


class Registration:
    """`dry`: nothing is written, and what is told would be done."""

    def __init__(self, client: DataverseClient, registrations: Registrations, *, dry: bool = False) -> None:
        self._client = client
        self._registrations = registrations
        self._dry = dry

    async def register(self, door: Door, wanted: Sequence[Step], *, rotate: bool = False) -> AsyncIterator[Done]:
        """Bring the endpoint, its steps and their images to what is wanted, one after the other. Steps of ours that are
        no longer wanted go; other people's stay. `rotate`: write the secret even where it seems to be there.

        Raises BadSettings when a table lacks a message or a right is missing.
        """
        endpoint, done = await self._endpoint(door, rotate)
        yield done
        present = {row["name"]: row for row in await self.steps_of(endpoint)}
        messages = await self._messages({step.message for step in wanted})
        for step in wanted:
            filter_ = await self._filter(step, messages)
            if filter_:
                binds = {"sdkmessageid": messages[step.message], "sdkmessagefilterid": filter_}
                async for one in self._step(step, present.pop(step.name, None), endpoint, binds):
                    yield one
        async for done in self._remove(present.values()):
            yield done

    async def unregister(self) -> AsyncIterator[Done]:
        """Take our steps away, and the endpoint unless somebody else's steps use it."""
        for endpoint in await self.endpoints():
            id_ = endpoint["serviceendpointid"]
            steps = await self.steps_of(id_)
            async for done in self._remove(steps):
                yield done
            if all(_is_ours(step) for step in steps):
                await self._send("DELETE", f"/{ENDPOINTS}({id_})")
                if not self._dry:
                    await self._registrations.forget(id_)
                yield Done(f"service endpoint {NAME}", "deleted")

    async def endpoints(self) -> list[Row]:
        """Our endpoint, if there is one."""
        columns = "serviceendpointid,name,description,url,contract,authtype,messageformat,messagecharset"
        return await self._rows(f"/{ENDPOINTS}?$select={columns}&$filter=name eq '{NAME}'")

    async def steps_of(self, endpoint: str) -> list[Row]:
        """All steps that use an endpoint, whoever made them."""
        columns = (
            "sdkmessageprocessingstepid,name,description,stage,mode,rank,supporteddeployment,asyncautodelete,"
            "filteringattributes,statecode,_sdkmessageid_value,_sdkmessagefilterid_value"
        )
        return await self._rows(f"/{STEPS}?$select={columns}&$filter=_eventhandler_value eq {endpoint}")

    async def _endpoint(self, door: Door, rotate: bool) -> tuple[str, Done]:
        [*found] = await self.endpoints()
        row = found[0] if found else None
        id_ = str(row["serviceendpointid"]) if row else str(uuid.uuid4())
        proof = door.proof(id_)
        current = row is not None and not rotate and await self._registrations.proof(id_) == proof
        secret = {} if current else {"authvalue": door.auth_value}
        what = f"service endpoint {NAME}"
        done = await self._bring(what, ENDPOINTS, "serviceendpointid", id_, row, endpoint_row(door), secret)
        if not current and not self._dry:
            await self._registrations.keep(id_, proof)
        return id_, done

    async def _step(self, step: Step, row: Row | None, endpoint: str, binds: Mapping[str, str]) -> AsyncIterator[Done]:
        id_ = str(row["sdkmessageprocessingstepid"]) if row else str(uuid.uuid4())
        more: dict[str, Any] = {}
        if row is None:
            more["eventhandler_serviceendpoint@odata.bind"] = f"/{ENDPOINTS}({endpoint})"
        for name, target in binds.items():
            if row is None or row[f"_{name}_value"] != target:
                more[f"{name}@odata.bind"] = f"/{name.removesuffix('id')}s({target})"
        if row is not None and row["statecode"] != ENABLED["statecode"]:
            more |= ENABLED
        what = f"step {step.message} of {step.entity}"
        yield await self._bring(what, STEPS, "sdkmessageprocessingstepid", id_, row, step.row, more)
        async for done in self._images(f"image of {step.message} of {step.entity}", step.image, id_, row is not None):
            yield done

    async def _images(self, what: str, image: Image, step: str, old: bool) -> AsyncIterator[Done]:
        columns = "sdkmessageprocessingstepimageid,name,entityalias,attributes,imagetype,messagepropertyname"
        where = f"_sdkmessageprocessingstepid_value eq {step}"
        found = await self._rows(f"/{IMAGES}?$select={columns}&$filter={where}") if old else []
        ours = [row for row in found if row["name"] == image.row["name"]]
        row = ours[0] if ours else None
        id_ = str(row["sdkmessageprocessingstepimageid"]) if row else str(uuid.uuid4())
        more = {} if row else {"sdkmessageprocessingstepid@odata.bind": f"/{STEPS}({step})"}
        yield await self._bring(what, IMAGES, "sdkmessageprocessingstepimageid", id_, row, image.row, more)

    async def _bring(self, what: str, set_: str, key: str, id_: str, row: Row | None, wanted: Row, more: Row) -> Done:
        """Make a row, or change what differs. `more`: columns that can't be compared; of a row that is there they are
        to be written anew.
        """
        if row is None:
            await self._send("POST", f"/{set_}", {key: id_, **wanted, **more})
            return Done(what, "created")
        changed = {name: value for name, value in wanted.items() if not _same(name, row.get(name), value)}
        if not changed and not more:
            return Done(what, "present")
        await self._send("PATCH", f"/{set_}({id_})", {**changed, **more})
        told = [f"{name}: {row.get(name)} → {value}" for name, value in changed.items()]
        return Done(what, "changed", (*told, *dict.fromkeys(_TOLD.get(name, name) for name in more)))

    async def _remove(self, rows: Iterable[Row]) -> AsyncIterator[Done]:
        for row in rows:
            if _is_ours(row):
                await self._send("DELETE", f"/{STEPS}({row['sdkmessageprocessingstepid']})")
                yield Done(f"step {row['name'].removeprefix(PREFIX)}", "deleted")

    async def _messages(self, names: Iterable[str]) -> dict[str, str]:
        tests = " or ".join(f"name eq '{name}'" for name in sorted(names))
        rows = await self._rows(f"/sdkmessages?$select=sdkmessageid,name&$filter={tests}") if tests else []
        return {row["name"]: row["sdkmessageid"] for row in rows}

    async def _filter(self, step: Step, messages: Mapping[str, str]) -> str:
        """The id by which a step names its table; blank where the table lacks a message that it may lack."""
        rows: list[Row] = []
        if message := messages.get(step.message):
            where = f"primaryobjecttypecode eq '{step.entity}' and _sdkmessageid_value eq {message}"
            rows = await self._rows(f"/sdkmessagefilters?$select=sdkmessagefilterid&$filter={where}")
        if not rows and step.message not in OPTIONAL:
            text = f"Dataverse tells of no {step.message} of {step.entity}."
            raise BadSettings(text, code="webhook_unavailable", system="dataverse", entity=step.entity)
        return str(rows[0]["sdkmessagefilterid"]) if rows else ""

    async def _rows(self, path: str) -> list[Row]:
        return list((await self._client.get(path))["value"])

    async def _send(self, method: str, path: str, body: object = None) -> None:
        if not self._dry:
            await self._client.send(method, path, body=body)


_TOLD = {
    "authvalue": "secret",
    "statecode": "was disabled",
    "statuscode": "was disabled",
    "sdkmessageid@odata.bind": "message",
    "sdkmessagefilterid@odata.bind": "table",
}


def _is_ours(step: Row) -> bool:
    return str(step["name"]).startswith(PREFIX)


def _same(name: str, one: object, other: object) -> bool:
    """Columns in another order are the same columns."""
    if name in ("attributes", "filteringattributes"):
        return set(str(one or "").replace(" ", "").split(",")) == set(str(other or "").split(","))
    return one == other
