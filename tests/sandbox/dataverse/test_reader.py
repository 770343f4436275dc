"""Reads of sets: options, paging, counting, expansion, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.dataverse.helpers import ANNOTATED, error

LOAD = [
    {"name": "Alpha", "creditlimit": 100, "numberofemployees": 5, "paymenttermscode": 1},
    {"name": "beta  ", "creditlimit": 200.5, "creditonhold": True},
    {"name": "Gamma_50%", "numberofemployees": 7, "telephone1": "425-1"},
    {"name": "O'Brien & Söhne", "lastonholdtime": "2025-01-31T08:30:00Z"},
]


@pytest.fixture
async def loaded(client):
    answer = await client.door.post("/seed", json={"set": "accounts", "rows": LOAD})
    client.ids = answer.json()["ids"]
    return client


async def names(client, text, **options):
    rows = await client.rows("accounts", filter=text, select="name", **options)
    return sorted(row["name"].strip() for row in rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name eq 'ALPHA'", ["Alpha"]),
        ("name eq 'Beta'", ["beta"]),
        ("name ne 'alpha'", ["Gamma_50%", "O'Brien & Söhne", "beta"]),
        ("name eq 'O''Brien & SÖHNE'", ["O'Brien & Söhne"]),
        ("telephone1 eq null", ["Alpha", "O'Brien & Söhne", "beta"]),
        ("telephone1 ne null", ["Gamma_50%"]),
        ("telephone1 ne 'x'", ["Alpha", "Gamma_50%", "O'Brien & Söhne", "beta"]),
        ("contains(name,'AM')", ["Gamma_50%"]),
        ("contains(name,'g%5')", ["Gamma_50%"]),
        ("startswith(name,'b') or endswith(name,'ALPHA')", ["Alpha", "beta"]),
        ("not contains(telephone1,'425')", ["Alpha", "O'Brien & Söhne", "beta"]),
        ("creditlimit gt 100 and creditlimit le 200.50", ["beta"]),
        ("100 lt creditlimit", ["beta"]),
        ("creditonhold eq true", ["beta"]),
        ("not (creditonhold eq true) and numberofemployees ge 5", ["Alpha", "Gamma_50%"]),
        ("paymenttermscode eq 1", ["Alpha"]),
        ("lastonholdtime ge 2025-01-31", ["O'Brien & Söhne"]),
        ("lastonholdtime lt 2025-01-31T10:30:00+02:00", []),
        ("Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['alpha','beta'])", ["Alpha", "beta"]),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='numberofemployees',PropertyValues=['5'])", ["Gamma_50%", "O'Brien & Söhne", "beta"]),
        ("Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=['6','9'])", ["Gamma_50%"]),
        ("Microsoft.Dynamics.CRM.On(PropertyName='lastonholdtime',PropertyValue='2025-01-31')", ["O'Brien & Söhne"]),
        ("Microsoft.Dynamics.CRM.OnOrAfter(PropertyName='lastonholdtime',PropertyValue='2025-02-01')", []),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='createdon') and name eq 'Alpha'", ["Alpha"]),
        ("Microsoft.Dynamics.CRM.LastXDays(PropertyName='lastonholdtime',PropertyValue=2)", []),
        ("transactioncurrencyid/isocurrencycode eq 'usd' and name eq 'Alpha'", ["Alpha"]),
    ],
)  # fmt: skip
async def test_filters(loaded, text, expected):
    assert await names(loaded, text) == sorted(expected)


@pytest.mark.parametrize(
    "text",
    [
        "nosuch eq 1",
        "primarycontactid eq 7c1d0000-1111-4222-8333-444455556666",
        "name eq 5",
        "creditlimit eq '5'",
        "name in ('a','b')",
        "tolower(name) eq 'a'",
        "length(name) eq 5",
        "name eq",
        "name eq 'a' and",
        "(name eq 'a'",
        "name",
        "contains(creditlimit,'1')",
        "Name eq 'Alpha'",
        "lastonholdtime eq 2025-13-01T00:00:00Z",
        "Microsoft.Dynamics.CRM.Above(PropertyName='accountid',PropertyValue='x')",
    ],
)
async def test_a_filter_dataverse_does_not_know_is_refused(loaded, text):
    error(await loaded.get("accounts", params={"$filter": text}), 400, "0x80060888")


async def test_a_function_that_is_not_imitated_is_listed_as_a_gap(loaded):
    await loaded.get("accounts", params={"$filter": "tolower(name) eq 'a'"})
    assert {"kind": "filter", "what": "tolower", "times": 1} in loaded.server.door.gaps.list()


async def test_lookups_are_filtered_by_value_by_path_and_by_lambda(loaded):
    contact = await loaded.create(
        "contacts", lastname="Holm", **{"parentcustomerid_account@odata.bind": f"/accounts({loaded.ids[0]})"}
    )
    await loaded.patch(f"accounts({loaded.ids[1]})", json={"primarycontactid@odata.bind": f"/contacts({contact})"})
    for text in (
        f"_primarycontactid_value eq {contact}",
        f"_primarycontactid_value eq '{contact}'",
        f"primarycontactid/contactid eq {contact}",
        "primarycontactid/lastname eq 'holm'",
        "primarycontactid/parentcustomerid_account/name eq 'alpha'",
    ):
        assert await names(loaded, text) == ["beta"], text
    assert await names(loaded, "contact_customer_accounts/any(c:c/lastname eq 'Holm')") == ["Alpha"]
    assert await names(loaded, "contact_customer_accounts/any()") == ["Alpha"]
    assert len(await names(loaded, "contact_customer_accounts/all(c:c/lastname eq 'Holm')")) == 4
    assert len(await names(loaded, "contact_customer_accounts/all(c:c/lastname eq 'x')")) == 3


async def test_a_polymorphic_lookup_leads_to_its_own_table_even_where_ids_coincide(loaded):
    shared = loaded.ids[0]
    await loaded.create("contacts", contactid=shared, lastname="Twin")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({shared})"}
    contact = await loaded.create("contacts", lastname="Child", **bind)
    assert await loaded.rows("contacts", filter="parentcustomerid_contact/lastname eq 'Twin'") == []
    (row,) = await loaded.rows("contacts", filter="parentcustomerid_account/name eq 'Alpha'")
    assert row["contactid"] == contact
    assert (await loaded.get(f"contacts({contact})/parentcustomerid_contact")).status_code == 204
    bind = {"parentcustomerid_contact@odata.bind": f"/contacts({shared})"}
    other = await loaded.create("contacts", lastname="Other", **bind)
    children = (await loaded.get(f"accounts({shared})/contact_customer_accounts")).json()["value"]
    assert [child["contactid"] for child in children] == [contact]
    assert await names(loaded, "contact_customer_accounts/any(c:c/lastname eq 'Other')") == []
    await loaded.delete(f"accounts({shared})")
    assert (await loaded.row("contacts", other))["_parentcustomerid_value"] == shared


async def test_parameter_aliases_stand_for_values(loaded):
    answer = await loaded.get("accounts?$filter=name eq @n and creditlimit gt @c&@n='alpha'&@c=1")
    assert len(answer.json()["value"]) == 1
    answer = await loaded.get("accounts?$filter=telephone1 eq @missing&$select=name")
    assert len(answer.json()["value"]) == 3


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


async def test_at_most_fifteen_expansions(loaded):
    for times, status in ((15, 200), (16, 400)):
        expand = ",".join(["primarycontactid"] * times)
        assert (await loaded.get(f"accounts({loaded.ids[0]})?$expand={expand}")).status_code == status


async def test_a_url_above_32_kb_is_refused_on_its_own(loaded):
    text = "name eq '" + "x" * 33000 + "'"
    assert (await loaded.get(f"accounts?$filter={text}")).status_code == 414


async def test_a_filter_of_a_thousand_terms_is_answered(loaded):
    text = " or ".join(f"name eq 'A{n}'" for n in range(1200))
    assert await names(loaded, f"({text} or name eq 'beta') and statecode eq 0") == ["beta"]


async def test_next_x_days_reaches_forward(loaded):
    soon = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await loaded.create("accounts", name="Soon", lastonholdtime=soon)
    name = "Microsoft.Dynamics.CRM.NextXDays"
    assert await names(loaded, f"{name}(PropertyName='lastonholdtime',PropertyValue=3)") == ["Soon"]
    assert await names(loaded, f"{name}(PropertyName='lastonholdtime',PropertyValue=1)") == []
