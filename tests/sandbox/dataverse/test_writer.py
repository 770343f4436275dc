"""Server-side rules of a write: defaults, state, money, ownership, links, nested rows, plug-ins, events."""

import uuid

from tests.sandbox.dataverse.helpers import error


async def test_a_new_row_gets_owner_state_currency_and_stamps(client):
    me = (await client.get("WhoAmI")).json()
    row = await client.row("accounts", await client.create("accounts", name="A"))
    assert (row["statecode"], row["statuscode"]) == (0, 1)
    for name in ("_ownerid_value", "_owninguser_value", "_createdby_value", "_modifiedby_value"):
        assert row[name] == me["UserId"]
    assert row["_owningbusinessunit_value"] == me["BusinessUnitId"]
    assert row["_transactioncurrencyid_value"] == client.server.env.currency
    assert row["createdon"] == row["modifiedon"]
    assert row["creditonhold"] is False


async def test_a_row_may_belong_to_a_team(client):
    me = (await client.get("WhoAmI")).json()
    team = await client.create(
        "teams", name="T", **{"businessunitid@odata.bind": f"/businessunits({me['BusinessUnitId']})"}
    )
    row_id = await client.create("accounts", name="A", **{"ownerid@odata.bind": f"/teams({team})"})
    row = await client.row("accounts", row_id)
    assert [row[f"_{name}_value"] for name in ("ownerid", "owninguser", "owningteam")] == [team, None, team]
    await client.patch(f"accounts({row_id})", json={"ownerid@odata.bind": f"/systemusers({me['UserId']})"})
    row = await client.row("accounts", row_id)
    assert [row[f"_{name}_value"] for name in ("owninguser", "owningteam")] == [me["UserId"], None]
    account = f"/accounts({row_id})"
    error(await client.patch(f"accounts({row_id})", json={"ownerid@odata.bind": account}), 400, "0x80048d19")


async def test_only_system_required_columns_are_enforced(client):
    assert await client.create("accounts", telephone1="425")
    error(await client.post("products", json={"name": "P"}), 400, "0x80040203")
    row_id = await client.create("products", name="P", productnumber="P1")
    error(await client.patch(f"products({row_id})", json={"productnumber": None}), 400, "0x80040203")


async def test_a_product_number_is_unique(client):
    await client.create("products", name="P", productnumber="P1")
    error(await client.post("products", json={"name": "Q", "productnumber": "p1"}), 412, "0x80040237")


async def test_state_moves_to_its_first_status_and_back(client):
    row_id = await client.create("accounts", name="A")
    for state, status in ((1, 2), (0, 1)):
        await client.patch(f"accounts({row_id})", json={"statecode": state})
        row = await client.row("accounts", row_id)
        assert (row["statecode"], row["statuscode"]) == (state, status)


async def test_a_status_of_another_state_is_refused(client):
    row_id = await client.create("accounts", name="A")
    url = f"accounts({row_id})"
    error(await client.patch(url, json={"statuscode": 2}), 400, "0x80048408")
    error(await client.patch(url, json={"statecode": 1, "statuscode": 1}), 400, "0x80048408")
    assert (await client.patch(url, json={"statecode": 1, "statuscode": 2})).status_code == 204


async def test_a_row_is_created_active_unless_the_switch_says_otherwise(client):
    row_id = await client.create("accounts", name="A", statecode=1)
    assert (await client.row("accounts", row_id))["statecode"] == 0
    await client.door.patch("/switches", json={"create_keeps_state": True})
    row_id = await client.create("accounts", name="A", statecode=1)
    assert (await client.row("accounts", row_id))["statuscode"] == 2


async def test_an_inactive_account_can_still_be_changed(client):
    row_id = await client.create("accounts", name="A")
    await client.patch(f"accounts({row_id})", json={"statecode": 1})
    assert (await client.patch(f"accounts({row_id})", json={"name": "B"})).status_code == 204


async def test_a_won_opportunity_is_read_only_until_reopened(client):
    row_id = await client.create("opportunities", name="O")
    url = f"opportunities({row_id})"
    await client.patch(url, json={"statecode": 1})
    error(await client.patch(url, json={"name": "P"}), 400, "0x80040203")
    assert (await client.patch(url, json={"statecode": 0, "statuscode": 1})).status_code == 204
    assert (await client.patch(url, json={"name": "P"})).status_code == 204


async def test_money_has_its_base_value_by_the_rate_of_its_currency(client):
    euro = await client.create(
        "transactioncurrencies",
        isocurrencycode="EUR",
        currencyname="Euro",
        currencysymbol="€",
        currencyprecision=2,
        exchangerate=0.8,
    )
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})"}
    row_id = await client.create("accounts", name="A", creditlimit=100, **bind)
    row = await client.row("accounts", row_id)
    assert (row["creditlimit"], row["creditlimit_base"], row["exchangerate"]) == (100, 125, 0.8)
    usd = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({client.server.env.currency})"}
    await client.patch(f"accounts({row_id})", json=usd)
    assert (await client.row("accounts", row_id))["creditlimit_base"] == 100


async def test_money_cannot_lose_its_currency(client):
    row_id = await client.create("accounts", name="A", creditlimit=100)
    answer = await client.patch(f"accounts({row_id})", json={"transactioncurrencyid@odata.bind": None})
    error(answer, 400, "0x80048cfb")


async def test_links_are_bound_by_id_absolute_url_and_cleared_by_null(client):
    account = await client.create("accounts", name="A")
    contact = await client.create("contacts", lastname="B")
    url, name = f"accounts({account})", "primarycontactid"
    for target in (
        f"/contacts({contact})",
        f"contacts({contact})",
        f"{client.server.url}/api/data/v9.2/contacts({contact})",
    ):
        await client.patch(url, json={f"{name}@odata.bind": target})
        assert (await client.row("accounts", account))["_primarycontactid_value"] == contact
        assert (await client.patch(url, json={name: None})).status_code == 204
        assert (await client.row("accounts", account))["_primarycontactid_value"] is None


async def test_a_link_to_nothing_is_404(client):
    bind = {"name": "A", "primarycontactid@odata.bind": f"/contacts({uuid.uuid4()})"}
    error(await client.post("accounts", json=bind), 404, "0x80040217")


async def test_a_polymorphic_lookup_keeps_the_last_target(client):
    account, other = await client.create("accounts", name="A"), await client.create("contacts", lastname="B")
    contact = await client.create(
        "contacts", lastname="C", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    )
    await client.patch(f"contacts({contact})", json={"parentcustomerid_contact@odata.bind": f"/contacts({other})"})
    expanded = await client.row(
        "contacts", contact, **{"$expand": "parentcustomerid_account,parentcustomerid_contact($select=lastname)"}
    )
    assert expanded["_parentcustomerid_value"] == other
    assert expanded["parentcustomerid_account"] is None
    assert expanded["parentcustomerid_contact"]["lastname"] == "B"


async def test_an_inactive_account_cannot_be_a_customer(client):
    account = await client.create("accounts", name="A")
    await client.patch(f"accounts({account})", json={"statecode": 1})
    body = {"name": "O", "customerid_account@odata.bind": f"/accounts({account})"}
    error(await client.post("opportunities", json=body), 400, "0x80040517")


async def test_nested_rows_are_created_with_their_parent_or_not_at_all(client):
    body = {"name": "A", "primarycontactid": {"lastname": "P"}, "contact_customer_accounts": [{"lastname": "C"}]}
    account = await client.create("accounts", **body)
    row = await client.row("accounts", account, **{"$expand": "primarycontactid,contact_customer_accounts"})
    assert row["primarycontactid"]["lastname"] == "P"
    assert [child["lastname"] for child in row["contact_customer_accounts"]] == ["C"]
    for nested in ({"primarycontactid": {"lastname": "Q"}}, {"contact_customer_accounts": [{"lastname": "D"}]}):
        error(await client.patch(f"accounts({account})", json=nested), 400, "0x80048d19")
    body["contact_customer_accounts"] = [{"lastname": "x" * 51}]
    error(await client.post("accounts", json=body), 400, "0x80044331")
    assert len(await client.rows("accounts")) == 1
    assert len(await client.rows("contacts")) == 2


async def test_composite_addresses_and_full_names_follow_their_parts(client):
    address = {"address1_line1": "1 Main", "address1_city": "Fargo", "address1_stateorprovince": "ND"}
    account = await client.create("accounts", name="A", **address, address1_postalcode="58102")
    row = await client.row("accounts", account)
    assert row["address1_composite"] == "1 Main\r\nFargo, ND 58102"
    contact = await client.create("contacts", firstname="Ida", lastname="Holm")
    await client.patch(f"contacts({contact})", json={"firstname": None})
    assert (await client.row("contacts", contact))["fullname"] == "Holm"


async def test_a_normalising_plugin_changes_what_the_target_keeps(client):
    rules = [
        {"table": "account", "column": "address1_postalcode", "do": "upper"},
        {"table": "account", "column": "name", "do": "collapse"},
    ]
    assert (await client.door.put("/plugins", json=rules)).status_code == 200
    row_id = await client.create("accounts", name=" a  b ", address1_postalcode="k1a 0b1")
    row = await client.row("accounts", row_id)
    assert (row["name"], row["address1_postalcode"]) == ("a b", "K1A 0B1")


async def test_a_normalising_plugin_shows_in_the_representation(client):
    rules = [
        {"table": "account", "column": "name", "do": "upper", "on": ["Create"]},
        {"table": "account", "column": "telephone1", "do": "phone"},
    ]
    await client.door.put("/plugins", json=rules)
    prefer = {"Prefer": "return=representation"}
    body = {"name": "a", "telephone1": "42555501000012"}
    row = (await client.post("accounts", json=body, headers=prefer)).json()
    assert (row["name"], row["telephone1"]) == ("A", "+1 425-555-0100 x0012")
    body = {"name": "b", "telephone1": "(425) 555-0100"}
    row = (await client.patch(f"accounts({row['accountid']})", json=body, headers=prefer)).json()
    assert (row["name"], row["telephone1"]) == ("b", "+1 425-555-0100")


async def test_a_plugin_can_refuse_a_row(client):
    rule = {"table": "account", "column": "name", "do": "refuse", "text": "No."}
    await client.door.put("/plugins", json=[rule])
    assert error(await client.post("accounts", json={"name": "A"}), 400, "0x80040265") == "No."
    assert (await client.post("accounts", json={"telephone1": "1"})).status_code == 204


async def test_a_collection_cannot_be_bound_and_is_listed(client):
    body = {"name": "A", "contact_customer_accounts@odata.bind": ["/contacts(7c1d0000-1111-4222-8333-444455556666)"]}
    error(await client.post("accounts", json=body), 400, "0x80048d19")
    assert [gap["what"] for gap in client.server.door.gaps.list()] == ["binding a collection"]
