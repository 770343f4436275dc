"""`$filter`: what each expression finds, and which are refused."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.dataverse.helpers import error


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
        ("contains(name,'a') and not (not startswith(name,'a'))", ["Alpha"]),
        ("numberofemployees lt 99999999999999999999", ["Alpha", "Gamma_50%"]),
        ("Microsoft.Dynamics.CRM.NotBetween(PropertyName='numberofemployees',PropertyValues=['6','9'])", ["Alpha"]),
        ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid') and name eq 'Alpha'", []),
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
        "lastonholdtime eq '2025-01-31'",
        "lastonholdtime eq 0001-01-01T00:00:00+14:00",
        "accountid eq '7c1d0000-1111-4222-8333-444455556666'",
        "not name eq 'Alpha'",
        "contains(name 'a')",
        "year(createdon) eq 2025",
        "numberofemployees add 1 eq 6",
        "(" * 2000 + "name eq 'a'" + ")" * 2000,
        "ownerid/fullname eq 'x'",
        "Microsoft.Dynamics.CRM.Above(PropertyName='accountid',PropertyValue='x')",
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['a' 'b'])",
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValue='a')",
        "Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=['6'])",
        "Microsoft.Dynamics.CRM.Today(PropertyName='createdon',PropertyValue=1)",
        "Microsoft.Dynamics.CRM.Today(PropertyName='name')",
        "Microsoft.Dynamics.CRM.EqualUserId(PropertyName='name')",
        "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue='x')",
        "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=0)",
        "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=99999999999)",
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
    bind = {"regardingobjectid_contact_task@odata.bind": f"/contacts({contact})"}
    await loaded.create("tasks", subject="Call", **bind)
    nested = "contact_customer_accounts/any(c:c/lastname eq 'Holm' and c/Contact_Tasks/any(t:t/subject eq '{}'))"
    assert await names(loaded, nested.format("call")) == ["Alpha"]
    assert await names(loaded, nested.format("mail")) == []


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
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({loaded.ids[0]})"}
    for lastname in "AB":
        await loaded.create("contacts", lastname=lastname, **bind)
    expand = "contact_customer_accounts($select=lastname;$filter=lastname eq @l)"
    children = (await loaded.get(f"accounts({loaded.ids[0]})?$expand={expand}&@l='b'")).json()
    assert [child["lastname"] for child in children["contact_customer_accounts"]] == ["B"]


async def test_a_filter_of_a_thousand_terms_is_answered(loaded):
    text = " or ".join(f"name eq 'A{n}'" for n in range(1200))
    assert await names(loaded, f"({text} or name eq 'beta') and statecode eq 0") == ["beta"]


@pytest.mark.parametrize(("unit", "near", "far"), [("Days", 3, 1), ("Hours", 49, 47)])
async def test_next_and_last_x_reach_so_far_and_no_farther(loaded, unit, near, far):
    for name, days in (("Next", 2), ("Last", -2)):
        moment = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        await loaded.create("accounts", name=name, lastonholdtime=moment)
        call = f"Microsoft.Dynamics.CRM.{name}X{unit}(PropertyName='lastonholdtime',PropertyValue={{}})"
        assert await names(loaded, call.format(near)) == [name]
        assert await names(loaded, call.format(far)) == []
