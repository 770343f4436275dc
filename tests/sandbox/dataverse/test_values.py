"""What a column takes, keeps and gives back."""

from decimal import Decimal

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse.schema import Schema, shipped
from sandbox.dataverse.values import formatted, sent, stored
from tests.sandbox.dataverse.helpers import ANNOTATED, add_column, error

ACCOUNT = Schema(shipped()).table("account")


@given(st.decimals(0, 10**14, allow_nan=False, places=6))
def test_money_is_rounded_to_the_currency_and_sent_with_four_decimals(number):
    column = ACCOUNT.columns["creditlimit"]
    back = sent(column, stored(ACCOUNT, column, number))
    assert abs(back - number) <= Decimal("0.005")
    assert -back.as_tuple().exponent == 4


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=160))
def test_text_within_its_length_is_kept_as_it_is(text):
    column = ACCOUNT.columns["name"]
    if len(text.encode("utf-16-le")) // 2 <= 160:
        assert stored(ACCOUNT, column, text) == text


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("name", "x" * 161, "0x80044331"),
        ("name", "\U0001f600" * 81, "0x80044331"),
        ("name", 5, "0x80048d19"),
        ("nosuchcolumn", 5, "0x80048d19"),
        ("numberofemployees", "5", "0x80048d19"),
        ("numberofemployees", "", "0x80048d19"),
        ("creditlimit", "", "0x80048d19"),
        ("creditonhold", "", "0x80048d19"),
        ("paymenttermscode", "", "0x80048d19"),
        ("lastonholdtime", "", "0x80048d19"),
        ("lastonholdtime", "2025-01-31 10:00:00Z", "0x80048d19"),
        ("lastonholdtime", "20250131T100000Z", "0x80048d19"),
        ("lastonholdtime", "2025-W05-5T10:00:00Z", "0x80048d19"),
        ("lastonholdtime", "9999-12-31T23:59:59-01:00", "0x80048d19"),
        ("entityimage", "R0lGODlh", "0x80040203"),
        ("numberofemployees", 1.5, "0x80048d19"),
        ("numberofemployees", -1, "0x8004432f"),
        ("numberofemployees", 2**31, "0x80048d19"),
        ("creditlimit", "100", "0x80048d19"),
        ("creditlimit", -1, "0x80044330"),
        ("creditlimit", 1e15, "0x80044330"),
        ("creditonhold", 1, "0x80048d19"),
        ("paymenttermscode", 9, "0x8004431a"),
        ("paymenttermscode", "1", "0x80048d19"),
        ("statuscode", 2, "0x80048408"),
        ("statuscode", 77, "0x80048408"),
        ("lastonholdtime", "yesterday", "0x80048d19"),
        ("lastonholdtime", "2025-01-31T10:00:00", "0x80048d19"),
        ("lastonholdtime", "1752-12-31T00:00:00Z", "0x80040203"),
        ("accountid", "not-a-guid", "0x80048d19"),
        ("_primarycontactid_value", "7c1d0000-1111-4222-8333-444455556666", "0x80048d19"),
        ("primarycontactid", "7c1d0000-1111-4222-8333-444455556666", "0x80048d19"),
        ("primarycontact@odata.bind", "/contacts(7c1d0000-1111-4222-8333-444455556666)", "0x80048d19"),
        ("PrimaryContactId@odata.bind", "/contacts(7c1d0000-1111-4222-8333-444455556666)", "0x80048d19"),
        ("primarycontactid@odata.bind", 5, "0x80048d19"),
        ("@odata.type", "Microsoft.Dynamics.CRM.contact", "0x80048d19"),
    ],
)
async def test_a_wrong_value_is_refused(client, name, value, code):
    error(await client.post("accounts", json={"name": "A", name: value}), 400, code)


async def test_blank_text_is_kept_as_null_and_trailing_blanks_stay(client):
    row_id = await client.create("accounts", name="A  ", telephone1="")
    row = await client.row("accounts", row_id)
    assert (row["name"], row["telephone1"]) == ("A  ", None)


async def test_numbers_come_back_with_their_scale(client):
    row_id = await client.create("accounts", name="A", creditlimit=25000)
    answer = await client.get(f"accounts({row_id})?$select=creditlimit,exchangerate")
    assert '"creditlimit":25000.0000' in answer.text
    assert '"exchangerate":1.0000000000' in answer.text


async def test_the_largest_money_is_exact(client):
    body = simplejson.dumps({"name": "A", "marketcap": Decimal("99999999999999.99")}, use_decimal=True)
    answer = await client.post("accounts", content=body, headers={"Content-Type": "application/json"})
    row_id = answer.headers["OData-EntityId"].split("(")[1].rstrip(")")
    assert '"marketcap":99999999999999.9900' in (await client.get(f"accounts({row_id})")).text


async def test_moments_are_kept_in_utc_whole_seconds_and_days_as_days(client):
    row_id = await client.create("accounts", name="A", lastonholdtime="2025-01-31T10:30:00.75+02:00")
    assert (await client.row("accounts", row_id))["lastonholdtime"] == "2025-01-31T08:30:00Z"
    order = await client.create("opportunities", name="O", estimatedclosedate="2025-01-31")
    assert (await client.row("opportunities", order))["estimatedclosedate"] == "2025-01-31"
    for day in ("20250131", "2025-W05-5", "2025-01-31T00:00:00Z"):
        error(await client.post("opportunities", json={"name": "O", "estimatedclosedate": day}), 400, "0x80048d19")


@pytest.mark.parametrize("sent", ["2025-01-31", "2025-01-31T10:30:00Z", "2025-01-31T23:30:00-00:15"])
async def test_a_day_in_the_users_time_zone_is_kept_as_an_instant_at_midnight(client, sent):
    row_id = await client.create("msdyn_warehouses", msdyn_name="W")
    await add_column(client, "msdyn_warehouse", "DateTime", "new_Day", Format="DateOnly")
    await client.patch(f"msdyn_warehouses({row_id})", json={"new_day": sent})
    assert (await client.row("msdyn_warehouses", row_id))["new_day"] == "2025-01-31T00:00:00Z"


async def test_read_only_columns_in_a_body_are_ignored(client):
    row_id = await client.create("accounts", name="A", versionnumber=1, createdon="2001-01-01T00:00:00Z")
    row = await client.row("accounts", row_id)
    assert row["versionnumber"] > 1
    assert row["createdon"] > "2020"


async def test_overriddencreatedon_sets_createdon(client):
    row_id = await client.create("accounts", name="A", overriddencreatedon="2001-01-01T00:00:00Z")
    assert (await client.row("accounts", row_id))["createdon"] == "2001-01-01T00:00:00Z"


async def test_formatted_values_and_lookup_annotations_come_when_asked(client):
    contact = await client.create("contacts", firstname="Ida", lastname="Holm")
    bind = {"primarycontactid@odata.bind": f"/contacts({contact})"}
    row_id = await client.create(
        "accounts", name="A", creditlimit=1234.5, paymenttermscode=1, creditonhold=True, **bind
    )
    plain = (await client.get(f"accounts({row_id})")).text
    assert "FormattedValue" not in plain
    row = (await client.get(f"accounts({row_id})", headers=ANNOTATED)).json()
    tail = "@OData.Community.Display.V1.FormattedValue"
    assert row[f"creditlimit{tail}"] == "$1,234.50"
    assert row[f"paymenttermscode{tail}"] == "Net 30"
    assert row[f"creditonhold{tail}"] == "Yes"
    assert row[f"_primarycontactid_value{tail}"] == "Ida Holm"
    assert row["_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert row["_primarycontactid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"] == "primarycontactid"


async def test_a_linked_row_without_a_name_has_no_formatted_value(client):
    contact = await client.create("contacts", telephone1="1")
    row_id = await client.create("accounts", name="A", **{"primarycontactid@odata.bind": f"/contacts({contact})"})
    row = (await client.get(f"accounts({row_id})", headers=ANNOTATED)).json()
    assert row["_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert "_primarycontactid_value@OData.Community.Display.V1.FormattedValue" not in row


async def test_only_the_annotations_asked_for_are_sent(client):
    row_id = await client.create("accounts", name="A", paymenttermscode=1)
    headers = {"Prefer": 'odata.include-annotations="OData.Community.*"'}
    text = (await client.get(f"accounts({row_id})", headers=headers)).text
    assert "FormattedValue" in text
    assert "lookuplogicalname" not in text


def test_a_moment_is_formatted_as_a_person_reads_it():
    column = ACCOUNT.columns["lastonholdtime"]
    assert formatted(column, "2025-01-31T00:05:00Z") == "1/31/2025 12:05 AM"
