"""Reads of sets: options, paging, counting, expansion, and what is refused."""

import pytest

from tests.sandbox.dataverse.helpers import ANNOTATED, error


async def test_select_limits_properties_and_adds_what_the_platform_adds(loaded):
    (row,) = await loaded.rows("accounts", filter="name eq 'Alpha'", select="name,creditlimit,address1_city")
    assert row.keys() == {
        "@odata.etag",
        "accountid",
        "name",
        "creditlimit",
        "address1_city",
        "_transactioncurrencyid_value",
        "address1_composite",
    }


@pytest.mark.parametrize(
    "options",
    [
        {"$select": "nosuch"},
        {"$select": "primarycontactid"},
        {"$skip": "1"},
        {"$search": "x"},
        {"$top": "x"},
        {"$top": "²"},
        {"$count": "yes"},
        {"$apply": "aggregate($count as n)"},
        {"savedQuery": "7c1d0000-1111-4222-8333-444455556666"},
        {"$Select": "name"},
        {"$expand": "primarycontactid($select=lastname"},
        {"$expand": "primarycontactid($select=lastname)x"},
        {"$expand": "primarycontactid($filter=lastname eq 'A')"},
        {"$expand": "contact_customer_accounts($levels=2)"},
        {"$orderby": "name sideways"},
        {"$expand": "nosuch"},
        {"$skiptoken": "x"},
        {"fetchXml": "<fetch/>"},
    ],
)
async def test_an_option_dataverse_does_not_take_is_refused(loaded, options):
    error(await loaded.get("accounts", params=options), 400, "0x80060888")


async def test_an_option_given_twice_is_refused(loaded):
    error(await loaded.get("accounts?$select=name&$select=name"), 400, "0x80060888")


async def test_order_and_top(loaded):
    rows = await loaded.rows("accounts", orderby="creditlimit desc,name", top="2", select="name")
    assert [row["name"] for row in rows] == ["beta  ", "Alpha"]
    rows = await loaded.rows("accounts", orderby="transactioncurrencyid/isocurrencycode,name desc", top="1")
    assert rows[0]["name"].startswith("O'Brien")
    error(await loaded.get("accounts", params={"$top": "5001"}), 400, "0x80040203")


@pytest.mark.parametrize("order", ["", "&$orderby=name desc"])
async def test_pages_follow_next_links_without_loss(loaded, order):
    url, seen, pages = f"accounts?$select=name{order}", [], 0
    while url:
        answer = await loaded.get(url, headers={"Prefer": "odata.maxpagesize=3"})
        assert answer.headers["Preference-Applied"] == "odata.maxpagesize=3"
        seen += [row["accountid"] for row in answer.json()["value"]]
        url, pages = answer.json().get("@odata.nextLink"), pages + 1
    assert sorted(seen) == sorted(loaded.ids)
    assert pages == 2


async def test_top_stops_paging(loaded):
    answer = await loaded.get("accounts?$top=2", headers={"Prefer": "odata.maxpagesize=1"})
    assert len(answer.json()["value"]) == 2
    assert "@odata.nextLink" not in answer.json()


async def test_counts_ignore_the_page_and_stop_at_5000(client):
    rows = [{"name": f"A{n}"} for n in range(5001)]
    await client.door.post("/seed", json={"set": "accounts", "rows": rows})
    answer = await client.get(
        "accounts?$count=true&$select=name",
        headers=ANNOTATED | {"Prefer": 'odata.maxpagesize=1,odata.include-annotations="*"'},
    )
    body = answer.json()
    assert body["@odata.count"] == 5000
    assert body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    assert (await client.get("accounts/$count")).text == "\ufeff5000"
    page = (await client.get("accounts?$select=name")).json()
    assert len(page["value"]) == 5000
    assert len((await client.get(page["@odata.nextLink"])).json()["value"]) == 1
    total = await client.get('RetrieveTotalRecordCount(EntityNames=@p)?@p=["account"]')
    assert total.json()["EntityRecordCountCollection"]["Values"] == [5001]


async def test_expansions_of_a_row_are_inline_with_their_options(loaded):
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({loaded.ids[0]})"}
    for lastname in ("C", "A", "B"):
        await loaded.create("contacts", lastname=lastname, **bind)
    children = "$select=lastname;$filter=lastname ne 'B';$orderby=lastname desc;$top=1"
    expand = f"contact_customer_accounts({children}),transactioncurrencyid($select=isocurrencycode)"
    row = await loaded.row("accounts", loaded.ids[0], **{"$expand": expand, "$select": "name"})
    assert [child["lastname"] for child in row["contact_customer_accounts"]] == ["C"]
    assert row["transactioncurrencyid"]["isocurrencycode"] == "USD"


async def test_collections_expanded_on_a_set_come_behind_a_link(loaded):
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({loaded.ids[0]})"}
    await loaded.create("contacts", lastname="A", **bind)
    options = {"filter": "name eq 'Alpha'", "expand": "contact_customer_accounts($select=lastname)"}
    (row,) = await loaded.rows("accounts", **options)
    assert row["contact_customer_accounts"] == []
    link = row["contact_customer_accounts@odata.nextLink"]
    assert [child["lastname"] for child in (await loaded.get(link)).json()["value"]] == ["A"]
    await loaded.door.patch("/switches", json={"expand_collections_inline": True})
    (row,) = await loaded.rows("accounts", **options)
    assert [child["lastname"] for child in row["contact_customer_accounts"]] == ["A"]


@pytest.mark.parametrize(("name", "most"), [("primarycontactid", 15), ("primarycontactid($expand=createdby)", 7)])
async def test_at_most_fifteen_expansions_nested_ones_included(loaded, name, most):
    for times, status in ((most, 200), (most + 1, 400)):
        expand = ",".join([name] * times)
        assert (await loaded.get(f"accounts({loaded.ids[0]})?$expand={expand}")).status_code == status


async def test_a_url_above_32_kb_is_refused_on_its_own(loaded):
    text = "name eq '" + "x" * 33000 + "'"
    assert (await loaded.get(f"accounts?$filter={text}")).status_code == 414


async def test_an_owner_is_not_expanded_and_is_listed(loaded):
    error(await loaded.get("accounts?$expand=ownerid"), 404, "0x8006088a")
    assert {"kind": "table", "what": "principal", "times": 1} in loaded.server.door.gaps.list()


async def test_totals_are_unknown_unless_counted(loaded):
    body = (await loaded.get("accounts", headers=ANNOTATED)).json()
    assert body["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1
    assert body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is False
    assert "@odata.count" not in body
