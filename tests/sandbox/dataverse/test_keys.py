"""Alternate keys: building, matching, upserts, nulls, collisions, reserved characters."""

import pytest

from tests.sandbox.dataverse.helpers import add_column, error, label

KEYS = "EntityDefinitions(LogicalName='account')/Keys"


async def test_upsert_creates_then_updates_and_never_tells_the_id(keyed):
    url = "accounts(gp365_key='TWO-AARON%20%C3%96')"
    for name in ("first", "second"):
        answer = await keyed.patch(url, json={"name": name})
        assert answer.status_code == 204
        assert answer.headers["OData-EntityId"] == f"{keyed.server.url}/api/data/v9.2/{url}"
    rows = await keyed.rows("accounts", select="name,gp365_key")
    assert [(row["name"], row["gp365_key"]) for row in rows] == [("second", "TWO-AARON Ö")]


async def test_representation_tells_created_from_updated_and_the_id(keyed):
    url, prefer = "accounts(gp365_key='A')?$select=accountid", {"Prefer": "return=representation"}
    first = await keyed.patch(url, json={"name": "A"}, headers=prefer)
    second = await keyed.patch(url, json={"name": "A"}, headers=prefer)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["accountid"] == second.json()["accountid"]


async def test_a_key_column_in_the_body_is_dropped_on_update_and_wins_on_create(keyed):
    await keyed.patch("accounts(gp365_key='A')", json={"name": "A", "gp365_key": "B"})
    assert [row["gp365_key"] for row in await keyed.rows("accounts")] == ["B"]
    await keyed.patch("accounts(gp365_key='B')", json={"gp365_key": "C"})
    assert [row["gp365_key"] for row in await keyed.rows("accounts")] == ["B"]


@pytest.mark.parametrize("other", ["a1", "A1 ", "a1  "])
async def test_keys_ignore_case_and_trailing_blanks(keyed, other):
    await keyed.create("accounts", name="A", gp365_key="A1")
    message = error(await keyed.post("accounts", json={"name": "B", "gp365_key": other}), 412, "0x80060892")
    assert "gp365_AccountKey" in message
    assert (await keyed.get(f"accounts(gp365_key='{other}')")).json()["name"] == "A"


async def test_an_update_into_a_taken_key_is_refused(keyed):
    await keyed.create("accounts", name="A", gp365_key="A")
    row_id = await keyed.create("accounts", name="B", gp365_key="B")
    error(await keyed.patch(f"accounts({row_id})", json={"gp365_key": "a"}), 412, "0x80060892")
    assert (await keyed.row("accounts", row_id))["gp365_key"] == "B"


async def test_nulls_are_not_unique_and_cannot_be_asked_for(keyed):
    for _ in range(2):
        await keyed.create("accounts", name="A", gp365_key="")
    error(await keyed.get("accounts(gp365_key=null)"), 400, "0x80040203")
    error(await keyed.patch("accounts(gp365_key='')", json={"name": "A"}), 400, "0x80040203")


async def test_a_missing_key_value_is_404(keyed):
    error(await keyed.get("accounts(gp365_key='X')"), 404, "0x80060891")
    answer = await keyed.patch("accounts(gp365_key='X')", json={"name": "A"}, headers={"If-Match": "*"})
    error(answer, 404, "0x80060891")


@pytest.mark.parametrize("key", ["accountnumber='X'", "gp365_key='X',name='Y'", "name='X'", "gp365_Key='X'", "'X'"])
async def test_a_predicate_that_is_no_key_is_400(keyed, key):
    error(await keyed.get(f"accounts({key})"), 400, "0x80060888")


@pytest.mark.parametrize("character", ["/", "%25", "%26", ":", "%3F", "%2F", "%2B", "*", "%5C", "%3C", "%3E"])
async def test_reserved_characters_break_a_key_even_encoded(keyed, character):
    error(await keyed.get(f"accounts(gp365_key='A{character}B')"), 400, "0x80060888")


async def test_a_quote_is_doubled_and_a_blank_encoded(keyed):
    await keyed.create("accounts", name="A", gp365_key="O'Brien 1")
    assert (await keyed.get("accounts(gp365_key='O''Brien%201')")).json()["name"] == "A"


async def test_inactive_rows_keep_their_key(keyed):
    row_id = await keyed.create("accounts", name="A", gp365_key="A")
    await keyed.patch(f"accounts({row_id})", json={"statecode": 1})
    assert (await keyed.get("accounts(gp365_key='A')")).status_code == 200
    error(await keyed.post("accounts", json={"name": "B", "gp365_key": "A"}), 412, "0x80060892")


async def test_a_link_by_key_resolves_in_the_same_request(keyed):
    await keyed.create("accounts", name="A", gp365_key="A")
    bind = {"parentcustomerid_account@odata.bind": "/accounts(gp365_key='a')"}
    contact = await keyed.create("contacts", lastname="B", **bind)
    assert (await keyed.row("contacts", contact))["_parentcustomerid_value"]
    bind = {"lastname": "C", "parentcustomerid_account@odata.bind": "/accounts(gp365_key='x')"}
    error(await keyed.post("contacts", json=bind), 404, "0x80060891")


async def test_a_key_is_unusable_until_its_index_is_built(keyed):
    await keyed.door.patch("/switches", json={"key_reads": 2})
    body = {"SchemaName": "gp365_Number", "KeyAttributes": ["accountnumber"], "DisplayName": label("n")}
    made = await keyed.post(KEYS, json=body)
    url = made.headers["OData-EntityId"]
    for expected in ("Pending", "Pending"):
        error(await keyed.get("accounts(accountnumber='1')"), 400, "0x80060888")
        assert (await keyed.get(url)).json()["EntityKeyIndexStatus"] == expected
    assert (await keyed.get(url)).json()["EntityKeyIndexStatus"] == "Active"
    error(await keyed.get("accounts(accountnumber='1')"), 404, "0x80060891")


async def test_duplicates_fail_the_index_until_they_are_gone(keyed):
    await keyed.door.patch("/switches", json={"key_reads": 0})
    ids = [await keyed.create("accounts", name="A", accountnumber="1") for _ in range(2)]
    await keyed.post(KEYS, json={"SchemaName": "gp365_Number", "KeyAttributes": ["accountnumber"]})
    url = f"{KEYS}(LogicalName='gp365_number')"
    assert (await keyed.get(url)).json()["EntityKeyIndexStatus"] == "Failed"
    await keyed.delete(f"accounts({ids[0]})")
    body = {"EntityLogicalName": "account", "EntityKeyLogicalName": "gp365_number"}
    assert (await keyed.post("ReactivateEntityKey", json=body)).status_code == 204
    assert (await keyed.get(url)).json()["EntityKeyIndexStatus"] == "Active"


async def test_a_deleted_key_no_longer_holds(keyed):
    await keyed.create("accounts", name="A", gp365_key="A")
    assert (await keyed.delete(f"{KEYS}(LogicalName='gp365_accountkey')")).status_code == 204
    await keyed.create("accounts", name="B", gp365_key="A")
    error(await keyed.get("accounts(gp365_key='A')"), 400, "0x80060888")


async def test_keys_have_limits_and_names(keyed):
    for body in (
        {"SchemaName": "gp365_Other", "KeyAttributes": ["nosuch"]},
        {"SchemaName": "gp365_Other", "KeyAttributes": ["creditonhold"]},
        {"SchemaName": "gp365_Other", "KeyAttributes": ["websiteurl", "address1_line1", "name"]},
        {"SchemaName": "gp365_accountkey", "KeyAttributes": ["accountnumber"]},
        {"SchemaName": "other_Key", "KeyAttributes": ["accountnumber"]},
        {"SchemaName": "gp365_Other"},
        {"SchemaName": "gp365_" + "x" * 95, "KeyAttributes": ["accountnumber"]},
        {"SchemaName": "gp365_Other", "KeyAttributes": [f"address{n}_city" for n in (1, 2)] * 9},
    ):
        error(await keyed.post(KEYS, json=body), 400, "0x80040203")


async def test_a_table_takes_ten_keys(keyed):
    names = ["accountnumber", "name", "telephone1", "fax", "websiteurl", "address1_city", "address2_city", "sic"]
    for name in [*names, "emailaddress1", "telephone2"]:
        answer = await keyed.post(KEYS, json={"SchemaName": f"gp365_{name}", "KeyAttributes": [name]})
        assert answer.status_code == (204 if name != "telephone2" else 400), answer.text


async def test_a_key_of_several_columns_and_types(keyed):
    await add_column(keyed, "account", "Integer", "gp365_Number", MinValue=0, MaxValue=1000)
    await keyed.door.patch("/switches", json={"key_reads": 0})
    columns = ["gp365_number", "primarycontactid", "accountnumber"]
    await keyed.post(KEYS, json={"SchemaName": "gp365_Three", "KeyAttributes": columns})
    contact = await keyed.create("contacts", lastname="B")
    bind = {"primarycontactid@odata.bind": f"/contacts({contact})"}
    await keyed.create("accounts", name="A", gp365_number=5, accountnumber="N", **bind)
    key = f"accountnumber='n',gp365_number=5,_primarycontactid_value={contact}"
    assert (await keyed.get(f"accounts({key})")).json()["name"] == "A"
    other = {"primarycontactid@odata.bind": f"/contacts({await keyed.create('contacts', lastname='C')})"}
    assert (await keyed.patch(f"accounts({key})", json={"name": "B", "gp365_number": 6, **other})).status_code == 204
    row = (await keyed.get(f"accounts({key})")).json()
    assert (row["name"], row["_primarycontactid_value"]) == ("B", contact)
    for wrong in (("'n'", contact), ("gp365_number=5", "gp365_number='5'"), (contact, f"'{contact}'")):
        error(await keyed.get(f"accounts({key.replace(*wrong)})"), 400, "0x80060888")
