"""Registering webhooks: what is missing is made, what differs is changed, what is others' is left, and a second run does nothing."""

import json
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sync.errors import BadSettings
from sync.stores.registrations import Registrations
from sync.systems.dataverse.client import API, DataverseClient
from sync.systems.dataverse.registration import Done, Registration
from sync.systems.dataverse.wanted import MADE, NAME, Door, Step, steps
from tests.fakes import FakeTable
from tests.unit.systems.dataverse.scripted import FarEnd

DOOR = Door("https://gp365.example/api/hooks/dataverse", "function-key", "s" * 32)
_BIND = re.compile(r"/(\w+)\(([0-9a-f-]{36})\)")
_EQUAL = re.compile(r"(\w+) eq (?:'([^']*)'|([0-9a-f-]{36}))")
KEYS = {
    "serviceendpoints": "serviceendpointid",
    "sdkmessageprocessingsteps": "sdkmessageprocessingstepid",
    "sdkmessageprocessingstepimages": "sdkmessageprocessingstepimageid",
}


def mapping(entity: str = "account", **more: Any) -> Any:
    side = SimpleNamespace(entity=entity, key="gp365_key")
    return SimpleNamespace(**{"dataverse": side, "attributes": ("name", "fax"), "routing": ("gp365_key", "fax")} | more)


@dataclass
class Platform:
    """The few tables of Dataverse that hold registrations: rows by set and id, and what was written."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in KEYS})
    writes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    failed: dict[str, int] = field(default_factory=dict)
    lacks: set[tuple[str, str]] = field(default_factory=set)
    messages: dict[str, str] = field(default_factory=lambda: {
        name: str(uuid.uuid4()) for name in ("Create", "Update", "Delete", "Merge")
    })  # fmt: skip

    def client(self) -> DataverseClient:
        client = FarEnd().client()
        client._http = httpx.AsyncClient(base_url=client.url + API, transport=httpx.MockTransport(self._answer))
        return client

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(API).strip("/")
        if request.method == "GET":
            where = request.url.params["$filter"]
            if path == "asyncoperations":
                return httpx.Response(200, json=self._failures(where))
            return httpx.Response(200, json={"value": self._read(path, where)})
        name, _, id_ = path.partition("(")
        body = json.loads(request.content) if request.content else {}
        self.writes.append((request.method, name, body))
        self._write(request.method, name, id_.rstrip(")"), body)
        return httpx.Response(204)

    def _failures(self, where: str) -> dict[str, Any]:
        assert "statuscode eq 31" in where
        count = sum(count for step, count in self.failed.items() if f"_owningextensionid_value eq {step}" in where)
        job = {"asyncoperationid": str(uuid.uuid4()), "friendlymessage": "HTTP status code: 503", "errorcode": 1}
        return {"@odata.count": count, "value": [job] * bool(count)}

    def _read(self, name: str, where: str) -> list[dict[str, Any]]:
        tests = {column: text or id_ for column, text, id_ in _EQUAL.findall(where)}
        if name == "sdkmessages":
            return [{"name": name, "sdkmessageid": id_} for name, id_ in self.messages.items() if f"'{name}'" in where]
        if name == "sdkmessagefilters":
            message = next(name for name, id_ in self.messages.items() if id_ == tests["_sdkmessageid_value"])
            entity = tests["primaryobjecttypecode"]
            row = {"sdkmessagefilterid": str(uuid.uuid5(uuid.NAMESPACE_DNS, message + entity))}
            return [] if (message, entity) in self.lacks else [row]
        hidden = {"authvalue"}
        return [
            {column: value for column, value in row.items() if column not in hidden}
            for row in self.rows[name].values()
            if all(row.get(column) == value for column, value in tests.items())
        ]

    def _write(self, method: str, name: str, id_: str, body: dict[str, Any]) -> None:
        if method == "DELETE":
            del self.rows[name][id_]
            return
        plain = {column: value for column, value in body.items() if "@" not in column}
        for column, target in body.items():
            if "@odata.bind" in column:
                found = _BIND.fullmatch(target)
                assert found
                assert column == column.lower()
                base = column.removesuffix("@odata.bind").removesuffix("_serviceendpoint")
                plain[f"_{base}_value"] = found[2]
        if method == "POST":
            self.rows[name][body[KEYS[name]]] = {"statecode": 0} | plain
        else:
            self.rows[name][id_] |= plain

    def step(self, name: str) -> dict[str, Any]:
        return next(row for row in self.rows["sdkmessageprocessingsteps"].values() if row["name"] == name)


class Rig:
    def __init__(self) -> None:
        self.platform = Platform()
        self.table = FakeTable()
        self.wanted: list[Step] = steps([mapping()])

    def registration(self, **options: Any) -> Registration:
        return Registration(self.platform.client(), Registrations(self.table), **options)  # type: ignore[arg-type]

    async def register(self, door: Door = DOOR, *, dry: bool = False, rotate: bool = False) -> dict[str, Done]:
        return await told(self.registration(dry=dry).register(door, self.wanted, rotate=rotate))

    def writes(self) -> list[tuple[str, str, dict[str, Any]]]:
        made, self.platform.writes = self.platform.writes, []
        return made


async def told(work: AsyncIterator[Done]) -> dict[str, Done]:
    return {done.what: done async for done in work}


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_everything_is_made_once_and_a_second_run_writes_nothing(rig: Rig) -> None:
    made = await rig.register()
    assert {done.state for done in made.values()} == {"created"}
    assert len(rig.writes()) == len(made) == 9
    again = await rig.register()
    assert ({done.state for done in again.values()}, rig.writes(), again.keys()) == ({"present"}, [], made.keys())


async def test_what_is_made_is_what_dataverse_wants_of_a_webhook(rig: Rig) -> None:
    await rig.register()
    [endpoint] = rig.platform.rows["serviceendpoints"].values()
    assert endpoint["authvalue"] == (
        f'<settings><setting name="x-gp365-secret" value="{"s" * 32}" />'
        '<setting name="x-functions-key" value="function-key" /></settings>'
    )
    kinds = {"contract": 8, "authtype": 5, "messageformat": 2, "url": DOOR.url, "name": NAME, "description": MADE}
    assert endpoint.items() >= kinds.items()
    for row in rig.platform.rows["sdkmessageprocessingsteps"].values():
        assert (row["stage"], row["mode"], row["asyncautodelete"]) == (40, 1, True)
        assert row["_eventhandler_value"] == endpoint["serviceendpointid"]
    images = {row["name"]: row for row in rig.platform.rows["sdkmessageprocessingsteps"].values()}
    assert images["GP365: Update of account"]["filteringattributes"] == "fax,gp365_key,name"
    assert [row["filteringattributes"] for name, row in images.items() if "Update" not in name] == [None] * 3


async def test_images_hold_what_routing_needs_and_of_a_deleted_row_the_key(rig: Rig) -> None:
    await rig.register()
    messages = {id_: row["name"] for id_, row in rig.platform.rows["sdkmessageprocessingsteps"].items()}
    images = {
        messages[row["_sdkmessageprocessingstepid_value"]]: (
            row["imagetype"],
            row["messagepropertyname"],
            row["attributes"],
        )
        for row in rig.platform.rows["sdkmessageprocessingstepimages"].values()
    }
    assert images == {
        "GP365: Create of account": (1, "Id", "fax,gp365_key"),
        "GP365: Update of account": (1, "Target", "fax,gp365_key"),
        "GP365: Delete of account": (0, "Target", "gp365_key"),
        "GP365: Merge of account": (1, "Target", "fax,gp365_key"),
    }


async def test_a_dry_run_tells_the_same_and_writes_nothing(rig: Rig) -> None:
    dry = await rig.register(dry=True)
    assert (rig.writes(), rig.table.entities) == ([], {})
    assert dry == await rig.register()


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("filteringattributes", "name", "filteringattributes: name → fax,gp365_key,name"),
        ("filteringattributes", None, "filteringattributes: None → fax,gp365_key,name"),
        ("mode", 0, "mode: 0 → 1"),
        ("statecode", 1, "was disabled"),
        ("_sdkmessageid_value", "other", "message"),
    ],
)
async def test_a_step_changed_by_hand_is_told_and_brought_back(rig: Rig, column: str, value: Any, said: str) -> None:
    await rig.register()
    step = rig.platform.step("GP365: Update of account")
    before = dict(step)
    step[column] = value
    rig.writes()
    done = (await rig.register(dry=True))["step Update of account"]
    assert (done.state, done.differences) == ("changed", (said,))
    await rig.register()
    assert len(rig.writes()) == 1
    assert {name: rig.platform.step("GP365: Update of account")[name] for name in before} == before


async def test_columns_in_another_order_are_no_difference(rig: Rig) -> None:
    await rig.register()
    rig.platform.step("GP365: Update of account")["filteringattributes"] = "name, gp365_key,fax"
    assert {done.state for done in (await rig.register()).values()} == {"present"}


async def test_an_endpoint_that_points_elsewhere_is_told(rig: Rig) -> None:
    await rig.register()
    moved = replace(DOOR, url="https://other.example/api/hooks/dataverse")
    done = (await rig.register(moved, dry=True))[f"service endpoint {NAME}"]
    assert done.differences == (f"url: {DOOR.url} → {moved.url}",)


async def test_a_new_secret_is_written_once_and_told_without_itself(rig: Rig) -> None:
    await rig.register()
    rig.writes()
    new = replace(DOOR, secret="n" * 32)
    found = await rig.register(new)
    assert found[f"service endpoint {NAME}"].differences == ("secret",)
    assert [(method, list(body)) for method, _, body in rig.writes()] == [("PATCH", ["authvalue"])]
    assert {done.state for done in (await rig.register(new)).values()} == {"present"}
    kept = str(rig.table.entities)
    assert all(text not in kept + str(found) for text in (DOOR.secret, new.secret, "function-key"))


async def test_a_new_function_key_is_noticed_too_and_rotate_writes_even_what_seems_to_be_there(rig: Rig) -> None:
    await rig.register()
    rig.writes()
    await rig.register(replace(DOOR, key="another"))
    await rig.register(replace(DOOR, key="another"), rotate=True)
    assert [list(body) for _, _, body in rig.writes()] == [["authvalue"]] * 2


async def test_a_secret_whose_proof_was_not_kept_is_written_again(rig: Rig) -> None:
    await rig.register()
    rig.writes()
    rig.table.entities.clear()
    await rig.register()
    assert [list(body) for _, _, body in rig.writes()] == [["authvalue"]]


async def test_steps_that_others_made_are_left_alone(rig: Rig) -> None:
    await rig.register()
    ours = rig.platform.step("GP365: Update of account")
    rig.platform.rows["sdkmessageprocessingsteps"]["theirs"] = ours | {"name": "Audit", "stage": 20}
    rig.writes()
    assert {done.state for done in (await rig.register()).values()} == {"present"}
    gone = await told(rig.registration().unregister())
    assert list(rig.platform.rows["sdkmessageprocessingsteps"]) == ["theirs"]
    assert len(rig.platform.rows["serviceendpoints"]) == 1
    assert f"service endpoint {NAME}" not in gone


async def test_a_table_that_is_no_longer_mapped_is_no_longer_told_of(rig: Rig) -> None:
    rig.wanted = steps([mapping(), mapping("contact")])
    await rig.register()
    rig.wanted = steps([mapping()])
    gone = [done.what for done in (await rig.register()).values() if done.state == "deleted"]
    assert gone == [f"step {message} of contact" for message in ("Create", "Update", "Delete", "Merge")]


async def test_two_mappings_of_a_table_share_its_steps(rig: Rig) -> None:
    wanted = steps([mapping(), mapping(attributes=("telephone1",))])
    assert [step.name for step in wanted] == [step.name for step in rig.wanted]
    assert wanted[1].filtering == ("fax", "gp365_key", "name", "telephone1")


async def test_unregister_takes_everything_of_ours_away(rig: Rig) -> None:
    await rig.register()
    dry = await told(rig.registration(dry=True).unregister())
    assert len(rig.platform.rows["sdkmessageprocessingsteps"]) == 4
    assert await told(rig.registration().unregister()) == dry
    assert (rig.platform.rows["serviceendpoints"], rig.platform.rows["sdkmessageprocessingsteps"]) == ({}, {})
    assert rig.table.entities == {}
    assert await told(rig.registration().unregister()) == {}


async def test_a_table_without_merge_goes_without_and_one_without_update_is_an_error(rig: Rig) -> None:
    rig.platform.lacks = {("Merge", "account")}
    assert not any("Merge" in what for what in await rig.register())
    rig.platform.lacks = {("Update", "account")}
    with pytest.raises(BadSettings) as caught:
        await rig.register()
    assert caught.value.code == "webhook_unavailable"
