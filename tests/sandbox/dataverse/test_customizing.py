"""Changes to the schema: tables, columns, relationships, choices, solutions."""

import json

import pytest

from tests.sandbox.dataverse.helpers import (
    CRM,
    add_column,
    add_key,
    change_set,
    column,
    error,
    label,
    request,
    send_batch,
    statuses,
)

ACCOUNT = "EntityDefinitions(LogicalName='account')"


@pytest.mark.parametrize(
    ("kind", "more", "values", "code"),
    [
        ("String", {"MaxLength": 5, "FormatName": {"Value": "Text"}}, ("12345", "123456"), "0x80044331"),
        ("Memo", {"MaxLength": 5, "Format": "TextArea"}, ("a\nb", "123456"), "0x80044331"),
        ("Integer", {"MinValue": 0, "MaxValue": 9}, (9, 10), "0x8004432f"),
        ("Decimal", {"MinValue": 0, "MaxValue": 9, "Precision": 3}, (1.125, 10), "0x80044330"),
        ("Double", {"MinValue": 0, "MaxValue": 9, "Precision": 3}, (1.125, -1), "0x80044330"),
        ("Money", {"PrecisionSource": 2}, (12.5, "12"), "0x80048d19"),
        ("Boolean", {"DefaultValue": False}, (True, 1), "0x80048d19"),
        ("DateTime", {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}, ("2025-01-31", "31.1.2025"), "0x80048d19"),
        ("DateTime", {"Format": "DateAndTime"}, ("2025-01-31T01:02:03Z", "2025-01-31"), "0x80048d19"),
    ],
)  # fmt: skip
async def test_a_new_column_of_each_type_takes_and_refuses_values(client, kind, more, values, code):
    good, bad = values
    await add_column(client, "account", kind, "new_Extra", **more)
    row_id = await client.create("accounts", name="A", new_extra=good)
    assert (await client.row("accounts", row_id))["new_extra"] == good
    error(await client.post("accounts", json={"name": "A", "new_extra": bad}), 400, code)
    cast = f"{ACCOUNT}/Attributes(LogicalName='new_extra')/{CRM}{kind}AttributeMetadata"
    body = (await client.get(cast)).json()
    assert body["SchemaName"] == "new_Extra"
    assert body["IsCustomAttribute"] is True


async def test_a_money_column_brings_its_base(client):
    await add_column(client, "account", "Money", "new_Balance")
    row_id = await client.create("accounts", name="A", new_balance=12.345)
    row = await client.row("accounts", row_id)
    assert (row["new_balance"], row["new_balance_base"]) == (12.35, 12.35)


@pytest.mark.parametrize(("source", "kept"), [(0, 12.3457), (1, 12.35), (2, 12.35)])
async def test_money_takes_its_decimals_from_the_source_named(client, source, kept):
    await add_column(client, "account", "Money", "new_Balance", PrecisionSource=source, Precision=4)
    row_id = await client.create("accounts", name="A", new_balance=12.34567)
    assert (await client.row("accounts", row_id))["new_balance"] == kept
    cast = f"{ACCOUNT}/Attributes(LogicalName='new_balance')/{CRM}MoneyAttributeMetadata"
    assert (await client.get(cast)).json()["PrecisionSource"] == source


@pytest.mark.parametrize(
    ("prefix", "number"), [("a", 10000), ("1ab", 10000), ("abcdefghi", 10000), ("a_b", 10000), ("MsCrmx", 10000), ("abc", 9999)]
)  # fmt: skip
async def test_a_publisher_has_a_prefix_by_the_rules(client, prefix, number):
    body = {"uniquename": "x", "friendlyname": "X"}
    body |= {"customizationprefix": prefix, "customizationoptionvalueprefix": number}
    assert (await client.post("publishers", json=body)).status_code == 400
    good = {**body, "customizationprefix": "abc", "customizationoptionvalueprefix": 99999}
    assert (await client.post("publishers", json=good)).status_code == 204


async def test_a_choice_column_numbers_its_options_by_the_publisher(client):
    twice = {"OptionSetType": "Picklist", "Options": [{"Value": 7, "Label": label("x")}] * 2}
    for wrong in (twice, {**twice, "Options": [{"Value": "7", "Label": label("x")}]}):
        answer = await client.post(f"{ACCOUNT}/Attributes", json=column("Picklist", "new_Extra", OptionSet=wrong))
        error(answer, 400, "0x80040203")
    options = {
        "OptionSetType": "Picklist",
        "IsGlobal": False,
        "Options": [{"Label": label("x")}, {"Value": 7, "Label": label("y")}],
    }
    await add_column(client, "account", "Picklist", "new_Extra", OptionSet=options)
    error(await client.post("accounts", json={"name": "A", "new_extra": 8}), 400, "0x8004431a")
    await client.create("accounts", name="A", new_extra=100_000_000)
    body = {"EntityLogicalName": "account", "AttributeLogicalName": "new_extra", "Label": label("z"), "Value": 8}
    assert (await client.post("InsertOptionValue", json=body)).json()["NewOptionValue"] == 8
    await client.create("accounts", name="A", new_extra=8)
    error(await client.post("InsertOptionValue", json=body), 400, "0x80040203")
    error(await client.post("InsertOptionValue", json={**body, "Value": "9"}), 400, "0x80040203")
    error(await client.post("InsertOptionValue", json={**body, "Value": 9, "OptionSetName": "x"}), 400, "0x80048d19")
    error(await client.post("InsertOptionValue", json={**body, "SolutionUniqueName": "Nosuch"}), 400, "0x80040203")


async def test_a_column_that_is_there_already_is_refused(client):
    await add_column(client, "account", "String", "new_Extra")
    answer = await client.post(f"{ACCOUNT}/Attributes", json=column("String", "new_extra"))
    assert "already exists" in error(answer, 400, "0x80047013")


async def test_a_name_needs_the_prefix_of_the_solutions_publisher(client):
    error(await client.post(f"{ACCOUNT}/Attributes", json=column("String", "Extra")), 400, "0x80040203")
    answer = await client.post(
        f"{ACCOUNT}/Attributes", json=column("String", "new_A"), headers={"MSCRM.SolutionUniqueName": "Nosuch"}
    )
    error(answer, 400, "0x80040203")


async def test_a_component_goes_into_the_solution_named(keyed):
    publisher = (await keyed.rows("publishers", filter="customizationprefix eq 'gp365'"))[0]["publisherid"]
    bind = {"publisherid@odata.bind": f"/publishers({publisher})"}
    solution = await keyed.create("solutions", uniquename="GP365", friendlyname="GP365", version="1.0.0.0", **bind)
    headers = {"MSCRM.SolutionUniqueName": "GP365"}
    error(await keyed.post(f"{ACCOUNT}/Attributes", json=column("String", "new_A"), headers=headers), 400, "0x80040203")
    made = await keyed.post(f"{ACCOUNT}/Attributes", json=column("String", "gp365_A"), headers=headers)
    rows = await keyed.rows("solutioncomponents", filter=f"_solutionid_value eq {solution}")
    assert [(row["componenttype"], row["objectid"]) for row in rows] == [
        (2, made.headers["OData-EntityId"].split("(")[-1][:-1])
    ]


async def test_a_column_is_widened_by_put_and_never_changes_its_type(client):
    await add_column(client, "account", "String", "new_Extra", MaxLength=5)
    url = f"{ACCOUNT}/Attributes(LogicalName='new_extra')"
    full = (await client.get(f"{url}/{CRM}StringAttributeMetadata")).json()
    changed = {**full, "@odata.type": f"{CRM}StringAttributeMetadata", "MaxLength": 10}
    error(await client.put(url, json={"@odata.type": changed["@odata.type"], "MaxLength": 10}), 400, "0x80040203")
    assert (await client.put(url, json=changed)).status_code == 204
    await client.create("accounts", name="A", new_extra="1234567890")
    error(await client.put(url, json={**changed, "@odata.type": f"{CRM}MemoAttributeMetadata"}), 400, "0x80040203")
    assert (await client.patch(url, json=changed)).status_code == 405


async def test_a_column_is_deleted_unless_it_is_shipped_or_in_a_key(keyed):
    await add_column(keyed, "account", "String", "new_Extra")
    assert (await keyed.delete(f"{ACCOUNT}/Attributes(LogicalName='new_extra')")).status_code == 204
    error(await keyed.get("accounts?$select=new_extra"), 400, "0x80060888")
    for name in ("gp365_key", "name"):
        error(await keyed.delete(f"{ACCOUNT}/Attributes(LogicalName='{name}')"), 400, "0x8004f01f")


def relationship(name, parent, child, lookup, **more):
    return {
        "@odata.type": f"{CRM}OneToManyRelationshipMetadata",
        "SchemaName": name,
        "ReferencedEntity": parent,
        "ReferencedAttribute": f"{parent}id",
        "ReferencingEntity": child,
        "Lookup": {
            "@odata.type": f"{CRM}LookupAttributeMetadata",
            "SchemaName": lookup,
            "DisplayName": label("C"),
            "RequiredLevel": {"Value": "ApplicationRequired"},
        },
        **more,
    }


@pytest.mark.parametrize(
    "more",
    [
        {"SchemaName": None},
        {"SchemaName": "noprefix"},
        {"SchemaName": "new_with blank"},
        {"Lookup": None},
        {"Lookup": {"SchemaName": "Extra"}},
        {"ReferencedEntity": "nosuch"},
        {"@odata.type": f"{CRM}ManyToManyRelationshipMetadata"},
        {"CascadeConfiguration": {"Delete": "Restrict"}},
        {"CascadeConfiguration": {"Assign": "Cascade", "Delete": "RemoveLink"}},
    ],
)
async def test_a_relationship_that_is_incomplete_or_not_imitated_is_refused(client, more):
    body = relationship("new_account_contact", "account", "contact", "new_AccountId", **more)
    error(await client.post("RelationshipDefinitions", json=body), 400, "0x80040203")
    error(await client.get("contacts?$select=_new_accountid_value"), 400, "0x80060888")


async def test_a_lookup_keeps_its_level_and_a_table_can_go_with_its_lookups(client):
    name = column("String", "new_Name", IsPrimaryName=True)
    body = {"SchemaName": "new_Note", "DisplayName": label("N"), "Attributes": [name]}
    for _ in range(2):
        assert (await client.post("EntityDefinitions", json=body)).status_code == 204
        made = relationship("new_account_note", "account", "new_note", "new_AccountId")
        assert (await client.post("RelationshipDefinitions", json=made)).status_code == 204
        url = "EntityDefinitions(LogicalName='new_note')"
        lookup = (await client.get(f"{url}/Attributes(LogicalName='new_accountid')")).json()
        assert lookup["RequiredLevel"]["Value"] == "ApplicationRequired"
        assert (await client.delete(url)).status_code == 204
    assert (await client.delete(f"accounts({await client.create('accounts', name='A')})")).status_code == 204


async def test_a_lookup_in_a_key_is_dropped_from_the_body_of_an_update(keyed):
    made = relationship("gp365_account_account", "account", "account", "gp365_ParentId")
    assert (await keyed.post("RelationshipDefinitions", json=made)).status_code == 204
    await add_key(keyed, "account", "gp365_ParentKey", "gp365_parentid")
    parent, other = await keyed.create("accounts", name="P"), await keyed.create("accounts", name="O")
    await keyed.create("accounts", name="A", **{"gp365_ParentId@odata.bind": f"/accounts({parent})"})
    url = f"accounts(_gp365_parentid_value={parent})"
    body = {"name": "B", "gp365_ParentId@odata.bind": f"/accounts({other})"}
    assert (await keyed.patch(url, json=body)).status_code == 204
    assert (await keyed.get(url)).json()["name"] == "B"


@pytest.mark.parametrize(
    "more",
    [
        {"OwnershipType": "NoneOwned"},
        {"IsActivity": True},
        {"TableType": "Elastic"},
        {"Attributes": []},
        {"SchemaName": "new_with blank"},
    ],
)
async def test_a_table_that_is_incomplete_or_not_imitated_is_refused(client, more):
    name = column("String", "new_Name", IsPrimaryName=True)
    body = {"SchemaName": "new_Thing", "DisplayName": label("T"), "Attributes": [name], **more}
    error(await client.post("EntityDefinitions", json=body), 400, "0x80040203")


async def test_a_table_and_a_lookup_to_it(client):
    name = column("String", "new_Name", IsPrimaryName=True, MaxLength=100)
    body = {"SchemaName": "new_Category", "DisplayName": label("C"), "OwnershipType": "UserOwned", "Attributes": [name]}
    assert (await client.post("EntityDefinitions", json=body)).status_code == 204
    assert "already exists" in error(await client.post("EntityDefinitions", json=body), 400, "0x80048403")
    made = relationship("new_new_category_account", "new_category", "account", "new_CategoryId")
    assert (await client.post("RelationshipDefinitions", json=made)).status_code == 204
    category = await client.create("new_categories", new_name="x")
    account = await client.create("accounts", name="A", **{"new_CategoryId@odata.bind": f"/new_categories({category})"})
    row = await client.row("accounts", account, **{"$expand": "new_CategoryId($select=new_name)"})
    assert row["_new_categoryid_value"] == category
    assert row["new_CategoryId"]["new_name"] == "x"
    error(
        await client.post("accounts", json={"new_categoryid@odata.bind": f"/new_categories({category})"}),
        400,
        "0x80048d19",
    )
    children = (await client.get(f"new_categories({category})/new_new_category_account")).json()["value"]
    assert [child["accountid"] for child in children] == [account]
    assert (await client.get("RelationshipDefinitions(SchemaName='new_new_category_account')")).json()[
        "ReferencingEntity"
    ] == "account"
    error(await client.delete("EntityDefinitions(LogicalName='new_category')"), 400, "0x8004f01f")
    assert (await client.delete(f"{ACCOUNT}/Attributes(LogicalName='new_categoryid')")).status_code == 204
    error(await client.get("RelationshipDefinitions(SchemaName='new_new_category_account')"), 404, "0x80040217")
    assert (await client.delete(f"new_categories({category})")).status_code == 204
    assert (await client.delete("EntityDefinitions(LogicalName='new_category')")).status_code == 204


async def test_column_types_that_are_not_imitated_are_refused_and_listed(client):
    body = column("MultiSelectPicklist", "new_Extra")
    error(await client.post(f"{ACCOUNT}/Attributes", json=body), 400, "0x80040203")
    assert [gap["kind"] for gap in client.server.door.gaps.list()] == ["column type"]


async def test_publishing_names_known_tables(client):
    assert (await client.post("PublishAllXml")).status_code == 204
    xml = "<importexportxml><entities><entity>{}</entity></entities></importexportxml>"
    assert (await client.post("PublishXml", json={"ParameterXml": xml.format("account")})).status_code == 204
    error(await client.post("PublishXml", json={"ParameterXml": xml.format("nosuch")}), 400, "0x80040203")


async def test_a_refused_definition_leaves_nothing_behind(client):
    await add_column(client, "account", "String", "new_Balance_Base")
    answer = await client.post(f"{ACCOUNT}/Attributes", json=column("Money", "new_Balance"))
    assert "already exists" in error(answer, 400, "0x80047013")
    error(await client.get("accounts?$select=new_balance"), 400, "0x80060888")
    assert (await client.get("accounts?$select=new_balance_base")).status_code == 200


async def test_a_definition_in_a_failed_change_set_is_undone(client):
    attribute = json.dumps(column("String", "new_Extra"))
    parts = [
        request(f"POST {ACCOUNT}/Attributes", attribute, content_id="1"),
        request("POST accounts", '{"no":1}', content_id="2"),
    ]
    assert statuses(await send_batch(client, change_set(*parts))) == [400]
    error(await client.get("accounts?$select=new_extra"), 400, "0x80060888")
