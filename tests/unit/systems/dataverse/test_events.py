"""Webhook bodies: which record they are about is read out of every shape, and nothing of a hostile one does harm."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.event import Event
from sync.mapping import load_all
from sync.schema import dataverse_attribute
from sync.systems.dataverse import events

ORG = "a1b0c000-0000-4000-8000-0000000000ff"
ONE = "7c1d0000-1111-4222-8333-444455556666"
TWO = "7c1d0000-1111-4222-8333-444455557777"
KIND = "http:\\/\\/schemas.microsoft.com\\/xrm\\/2011\\/Contracts"
ROUTING = ("accountnumber", "creditlimit", "paymenttermscode", "lastonholdtime", "creditonhold")


class Mapping:
    """As much of one as events need."""

    routing = ROUTING
    parent = None

    class dataverse:
        entity = "account"

    def attribute(self, name: str) -> Any:
        return dataverse_attribute("account", name)


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in values.items()]


def reference(id_: str, entity: str = "account") -> dict[str, Any]:
    return {"__type": "EntityReference:" + KIND, "Id": id_, "KeyAttributes": [], "LogicalName": entity, "Name": None}


def entity(id_: str = ONE, name: str = "account", **values: Any) -> dict[str, Any]:
    return {"__type": "Entity:" + KIND, "Attributes": pairs(**values), "Id": id_, "LogicalName": name}


def choice(value: Any, kind: str = "OptionSetValue") -> dict[str, Any]:
    return {"__type": f"{kind}:{KIND}", "Value": value}


def body(message: str, *, primary: str = ONE, name: str = "account", **parts: Any) -> bytes:
    images = {key: pairs(**{"gp365": image}) for key, image in parts.pop("images", {}).items()}
    context = {
        "OrganizationId": ORG,
        "MessageName": message,
        "PrimaryEntityId": primary,
        "PrimaryEntityName": name,
        "OperationCreatedOn": "/Date(1737366301000+0000)/",
        "InputParameters": pairs(**parts),
        **images,
    }
    return json.dumps(context).replace("/", "\\/").encode()


def read(content: bytes) -> list[Event]:
    return list(events.read(content, [Mapping()]).events)  # type: ignore[list-item]


def brief(content: bytes) -> list[tuple[str, str, str]]:
    return [(event.entity, event.id, event.change) for event in read(content)]


@pytest.mark.parametrize(
    ("message", "change", "parameter"),
    [
        ("Create", "created", {"Target": entity()}),
        ("Update", "updated", {"Target": entity()}),
        ("Delete", "deleted", {"Target": reference(ONE)}),
        ("Assign", "updated", {"Target": reference(ONE), "Assignee": reference(TWO, "systemuser")}),
        ("SetState", "updated", {"EntityMoniker": reference(ONE), "State": choice(1), "Status": choice(2)}),
        ("SetStateDynamicEntity", "updated", {"EntityMoniker": reference(ONE), "State": choice(1)}),
    ],
)
@pytest.mark.parametrize("nameless", [False, True])
def test_a_message_about_one_record(message: str, change: str, parameter: dict[str, Any], nameless: bool) -> None:
    primary = {"primary": "00000000-0000-0000-0000-000000000000", "name": "none"} if nameless else {}
    assert brief(body(message, **primary, **parameter)) == [("account", ONE, change)]


@pytest.mark.parametrize("message", ["Create", "Update", "Delete", "SetState"])
def test_a_body_too_large_for_dataverse_still_names_its_record_and_has_no_values(message: str) -> None:
    stripped = json.dumps(
        {
            "OrganizationId": ORG, "MessageName": message, "PrimaryEntityId": ONE.upper(), "PrimaryEntityName": "account",
            "InputParameters": None, "PreEntityImages": None, "PostEntityImages": None, "ParentContext": None,
        }
    ).encode()  # fmt: skip
    [event] = read(stripped)
    assert (event.id, event.values) == (ONE, None)


def test_the_moment_is_when_the_operation_was_made() -> None:
    [event] = read(body("Update", Target=entity()))
    assert event.at == datetime(2025, 1, 20, 9, 45, 1, tzinfo=UTC)


def test_a_merge_tells_of_both_records() -> None:
    master, subordinate = read(body("Merge", Target=reference(ONE), SubordinateId=TWO, UpdateContent=entity()))
    assert (master.id, master.change, master.into) == (ONE, "updated", "")
    assert (subordinate.entity, subordinate.id, subordinate.change, subordinate.into) == ("account", TWO, "merged", ONE)


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("CreateMultiple", "created"),
        ("UpdateMultiple", "updated"),
        ("UpsertMultiple", "updated"),
        ("DeleteMultiple", "deleted"),
    ],
)
def test_a_bulk_message_tells_of_every_record(message: str, change: str) -> None:
    collection = {"__type": "EntityCollection:" + KIND, "Entities": [entity(ONE), entity(TWO)], "EntityName": "account"}
    assert brief(body(message, Targets=collection)) == [("account", ONE, change), ("account", TWO, change)]
    assert brief(body(message, Targets=[reference(ONE)])) == [("account", ONE, change)]


@pytest.mark.parametrize("message", ["Associate", "Disassociate"])
def test_a_link_tells_of_both_ends(message: str) -> None:
    content = body(
        message, primary="00000000-0000-0000-0000-000000000000", name="none",
        Target=reference(ONE), Relationship={"SchemaName": "x"}, RelatedEntities=[reference(TWO, "contact")],
    )  # fmt: skip
    assert brief(content) == [("account", ONE, "updated"), ("contact", TWO, "updated")]


@pytest.mark.parametrize("message", ["Win", "Lose", "GrantAccess", "gp365_Custom"])
def test_other_messages_tell_of_nothing(message: str) -> None:
    told = events.read(body(message, name="opportunity"), [])
    assert (told.message, told.events) == (message, ())


def test_values_come_typed_as_the_mapping_compares_them_and_what_is_missing_is_empty() -> None:
    target = entity(
        accountnumber="C-1001",
        creditlimit=choice(2154.32, "Money"),
        paymenttermscode=choice(1),
        lastonholdtime="/Date(1737366300000)/",
        primarycontactid=reference(TWO.upper(), "contact"),
        name="/Date(1)/",
    )
    [event] = read(body("Create", Target=target))
    assert event.values == {
        "accountnumber": "C-1001",
        "creditlimit": Decimal("2154.32"),
        "paymenttermscode": 1,
        "lastonholdtime": datetime(2025, 1, 20, 9, 45, tzinfo=UTC),
        "creditonhold": None,
    }


def test_an_update_has_values_only_with_our_image_and_what_was_sent_is_newer() -> None:
    target = entity(accountnumber="NEW")
    assert read(body("Update", Target=target))[0].values is None
    images = {"PostEntityImages": entity(accountnumber="OLD", creditonhold=True)}
    values = read(body("Update", Target=target, images=images))[0].values
    assert values is not None
    assert (values["accountnumber"], values["creditonhold"], values["creditlimit"]) == ("NEW", True, None)


def test_a_delete_has_the_values_of_the_image_before() -> None:
    images = {"PreEntityImages": entity(accountnumber="C-1001")}
    [event] = read(body("Delete", Target=reference(ONE), images=images))
    assert event.values is not None
    assert event.values["accountnumber"] == "C-1001"


def test_a_value_that_is_none_of_its_type_leaves_the_record_to_be_read() -> None:
    [event] = read(body("Create", Target=entity(creditlimit="a lot", accountnumber="C-1001")))
    assert (event.id, event.values) == (ONE, None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe{}",
        b"null",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"OrganizationId": NaN}',
        json.dumps({"MessageName": "Update", "PrimaryEntityId": ONE}).encode(),
        body("Update", primary="nonsense"),
        body("Update", primary="00000000-0000-0000-0000-000000000000"),
        body("Update", primary="00000000-0000-0000-0000-000000000000", Target={"Id": {}, "LogicalName": []}),
        body("UpdateMultiple", Targets={"Entities": "secret-value"}),
        body("UpdateMultiple", Targets=[{"Id": "secret-value", "LogicalName": "account"}]),
        body("Merge", Target=reference(ONE), SubordinateId="secret-value"),
        body("x" * 300),
        body("Update").replace(ORG.encode(), b"00000000-0000-0000-0000-000000000000"),
        body("Update").replace(ORG.encode(), b"secret-value"),
        b'{"OrganizationId": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_body_that_can_not_be_meant_is_refused_without_telling_its_values(content: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        read(content)
    assert caught.value.code == "webhook_unreadable"
    assert "secret-value" not in f"{caught.value.message} {caught.value.__cause__}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([ONE, "/Date(1)/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["Id", "LogicalName", "Attributes", "Value", "key", "value", "Entities"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    message=st.sampled_from(sorted(events.KNOWN)),
    parameters=st.dictionaries(st.sampled_from(["Target", "Targets", "SubordinateId", "RelatedEntities"]), JSON),
    image=JSON,
    extra=st.dictionaries(st.sampled_from(["PrimaryEntityId", "PrimaryEntityName", "OperationCreatedOn"]), JSON),
)
def test_whatever_json_comes_is_read_or_refused(message: str, parameters: Any, image: Any, extra: Any) -> None:
    context = json.loads(body(message, **parameters, images={"PostEntityImages": image})) | extra
    with suppress(Rejected):
        found = read(json.dumps(context).encode())
        assert all(not event.values or event.values.keys() == set(ROUTING) for event in found)


def test_what_a_new_record_belongs_to_comes_along() -> None:
    pair = load_all(Path("sync/mappings"))["address"]
    row = {"addressnumber": 3, "parentid": reference(TWO.upper())}
    told = entity(ONE, "customeraddress", **row)
    content = body("Create", name="customeraddress", Target=told)
    [event] = events.read(content, [pair]).events
    assert event.values == {"gp365_key": None, "addressnumber": 3, "parentid": TWO}
