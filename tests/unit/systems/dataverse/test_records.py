"""Rows as the line sees them: exact types, and a representation that counts only while it is ours."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from sync.errors import Rejected, RetryLater
from sync.mapping import Mapping, load_all
from sync.system import Outcome, Reference, Verdict, Write
from sync.systems.dataverse.batch import Answer
from sync.systems.dataverse.client import write_json
from sync.systems.dataverse.records import WRITES as MOST
from sync.systems.dataverse.records import DataverseRecords, Form, _verdict
from sync.systems.dataverse.rows import body_of, record_from, select, sent
from tests.unit.conftest import MAPPINGS
from tests.unit.systems.dataverse.scripted import US, FarEnd, answered, refused

WRITE = Write("id", {"name": "A"}, "attempt-1", version='W/"1"')


def row(**values: object) -> dict[str, object]:
    return {
        "accountid": "ID",
        "@odata.etag": 'W/"2"',
        "gp365_mark": "attempt-1",
        "_modifiedby_value": "us",
        "creditlimit": Decimal("10.5000"),
        "name": "A",
    } | values


def test_a_row_is_read_with_its_types(mapping: Mapping) -> None:
    record = record_from(mapping, row(creditonhold=True, statecode=0), "US")
    assert (record.key, record.version, record.mark, record.written_by_us) == ("id", 'W/"2"', "attempt-1", True)
    assert record.values["creditlimit"] == Decimal("10.5")
    assert record.values["creditonhold"] is True
    assert record.values["fax"] is None


@pytest.mark.parametrize(("merged", "successor"), [(True, "master"), (False, "")])
def test_a_row_names_what_it_was_merged_into(mapping: Mapping, merged: bool, successor: str) -> None:
    read = record_from(mapping, row(merged=merged, _masterid_value="MASTER" if merged else None), "US")
    assert read.successor == successor
    assert select(mapping).endswith(",merged,_masterid_value")
    contacts = replace(mapping, rules=mapping.rules.model_copy(update={"dataverse": other_table(mapping)}))
    assert "merged" not in select(contacts)


def other_table(mapping: Mapping) -> object:
    return mapping.rules.dataverse.model_copy(update={"entity": "product"})


@pytest.mark.parametrize("change", [{"gp365_mark": "attempt-2"}, {"_modifiedby_value": "somebody"}])
def test_a_representation_that_somebody_touched_is_not_believed(mapping: Mapping, change: dict[str, str]) -> None:
    answer = Answer(200, {}, write_json(row(**change)))
    verdict = _verdict(mapping, WRITE, answer, "us")
    assert (verdict.outcome, verdict.kept) == (Outcome.WRITTEN, None)


@pytest.mark.parametrize(
    ("status", "code", "create", "outcome"),
    [
        (412, "0x80060882", False, Outcome.CHANGED),
        (412, "0x80040237", True, Outcome.EXISTS),
        (412, "0x80060892", True, Outcome.EXISTS),
        (412, "0x80060892", False, Outcome.FAILED),
        (404, "0x80040217", False, Outcome.GONE),
        (400, "0x80044331", False, Outcome.FAILED),
        (429, "0x80072322", True, Outcome.REFUSED),
        (403, "0x80040220", False, Outcome.REFUSED),
        (500, "0x80044150", True, Outcome.FAILED),
    ],
)
def test_a_refusal_is_told_apart(mapping: Mapping, status: int, code: str, create: bool, outcome: Outcome) -> None:
    answer = Answer(status, {}, write_json({"error": {"code": code, "message": "no"}}))
    verdict = _verdict(mapping, Write("id", {}, "m", create=create), answer, "us")
    assert verdict.outcome is outcome


def test_a_key_that_another_row_got_meanwhile_is_no_fault_of_the_record(mapping: Mapping) -> None:
    answer = Answer(412, {}, write_json({"error": {"code": "0x80060892", "message": "no"}}))
    assert _verdict(mapping, Write("id", {}, "m", claim=True), answer, "us").outcome is Outcome.EXISTS


def test_a_claim_sends_the_key_and_no_id(mapping: Mapping) -> None:
    claim = Write("id", {"name": "A"}, "m", claim=True, key="A1")
    assert body_of("TWO", mapping, claim) == {"name": "A", "gp365_mark": "m", "gp365_key": "TWO-A1"}
    assert body_of("TWO", mapping, replace(claim, claim=False)) == {"name": "A", "gp365_mark": "m"}


@pytest.fixture
def with_secret(tmp_path: Path) -> Mapping:
    """The mapping of customers with the fax number declared secret."""
    (tmp_path / "customer.yaml").write_text("fields:\n  - {dataverse: fax, secret: true}\n")
    return load_all(MAPPINGS, tmp_path)["customer"]


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("The length of the 'fax' attribute exceeded 50.", True),
        ("Cannot convert the literal '555-hush' to a number.", True),
        ("The length of the 'name' attribute exceeded 160.", False),
    ],
)
def test_dataverses_words_are_hidden_where_they_tell_of_a_secret(with_secret: Mapping, said: str, hidden: bool) -> None:
    answer = Answer(400, {}, write_json({"error": {"code": "0x80044331", "message": said}}))
    write = Write("id", {"fax": "555-hush", "name": "A", "statecode": 1}, "m")
    error = _verdict(with_secret, write, answer, "us").error
    assert isinstance(error, Rejected)
    assert error.code == "value_too_long"
    assert (said not in error.message) is hidden
    assert "hush" not in str(error.as_dict())


def test_dates_are_sent_as_dataverse_reads_them() -> None:
    assert sent(date(2026, 1, 31)) == "2026-01-31"


# one message's writes


def new(number: int) -> Write:
    return Write(f"id{number}", {"name": f"A{number}"}, f"mark{number}", create=True, key=f"A{number}")


def as_row(write: Write, **values: object) -> dict[str, object]:
    """The row as Dataverse gives it back."""
    return row(accountid=write.id, gp365_mark=write.mark, _modifiedby_value=US) | write.values | values


def landed(*writes: Write) -> list[bytes]:
    return [answered(201, as_row(write)) for write in writes]


WRITES = [new(1), new(2), Write("id3", {"name": "B"}, "mark3", version='W/"1"')]
HAS = {"sdkmessagefilters": httpx.Response(200, json={"value": [{"sdkmessagefilterid": "1"}]})}
MADE = HAS | {"CreateMultiple": httpx.Response(200, json={"Ids": ["id1", "id2"]})}


def outcomes(verdicts: list[Verdict]) -> list[tuple[str, Outcome, bool]]:
    return [(verdict.id, verdict.outcome, verdict.kept is not None) for verdict in verdicts]


async def test_all_writes_go_in_one_batch(mapping: Mapping) -> None:
    far = FarEnd([landed(*WRITES)])
    verdicts = await DataverseRecords(far.client()).write("TWO", mapping, WRITES)
    assert outcomes(verdicts) == [(write.id, Outcome.WRITTEN, True) for write in WRITES]
    assert [[part.split()[4] for part in batch] for batch in far.parts] == [["POST", "POST", "PATCH"]]


async def test_new_rows_go_as_create_multiple_and_are_read_back(mapping: Mapping) -> None:
    back = answered(200, {"value": [as_row(new(1)), as_row(new(2), _modifiedby_value="somebody")]})
    far = FarEnd([[back], landed(WRITES[2])], MADE)
    records = DataverseRecords(far.client(), "multiple")
    verdicts = await records.write("TWO", mapping, WRITES)
    assert outcomes(verdicts) == [
        ("id1", Outcome.WRITTEN, True), ("id2", Outcome.WRITTEN, False), ("id3", Outcome.WRITTEN, True),
    ]  # fmt: skip
    [sent] = [json.loads(request.content)["Targets"] for request in far.direct if "CreateMultiple" in request.url.path]
    assert sent[0] == {
        "@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": "id1", "gp365_key": "TWO-A1", "gp365_mark": "mark1",
        "name": "A1",
    }  # fmt: skip


async def test_new_rows_that_can_not_be_read_back_have_landed_all_the_same(mapping: Mapping) -> None:
    far = FarEnd([httpx.Response(503)], MADE)
    verdicts = await DataverseRecords(far.client(), "multiple").write("TWO", mapping, WRITES[:2])
    assert outcomes(verdicts) == [("id1", Outcome.WRITTEN, False), ("id2", Outcome.WRITTEN, False)]


async def test_a_refused_create_multiple_goes_once_more_for_a_verdict_per_row(mapping: Mapping) -> None:
    no = httpx.Response(400, json={"error": {"code": "0x80044331", "message": "too long"}})
    far = FarEnd([[answered(201, as_row(new(1))), refused(400, "0x80044331")]], HAS | {"CreateMultiple": no})
    verdicts = await DataverseRecords(far.client(), "multiple").write("TWO", mapping, WRITES[:2])
    assert outcomes(verdicts) == [("id1", Outcome.WRITTEN, True), ("id2", Outcome.FAILED, False)]
    assert isinstance(verdicts[1].error, Rejected)


async def test_a_table_without_create_multiple_gets_batches_and_is_asked_once(mapping: Mapping) -> None:
    far = FarEnd([landed(new(1), new(2))] * 2, {"sdkmessagefilters": httpx.Response(200, json={"value": []})})
    records = DataverseRecords(far.client(), "multiple")
    await records.write("TWO", mapping, WRITES[:2])
    await records.write("TWO", mapping, WRITES[:2])
    assert [request.url.path.split("/")[-1] for request in far.direct].count("sdkmessagefilters") == 1


@pytest.mark.parametrize(("status", "outcome"), [(429, Outcome.REFUSED), (503, Outcome.FAILED)])
@pytest.mark.parametrize("form", ["batch", "multiple"])
async def test_a_pause_asked_for_says_that_nothing_landed_and_an_outage_says_nothing(
    mapping: Mapping, status: int, outcome: Outcome, form: Form
) -> None:
    no = httpx.Response(status, json={"error": {"code": "0x80072322", "message": "wait"}})
    far = FarEnd([no], HAS | {"CreateMultiple": no})
    verdicts = await DataverseRecords(far.client(), form).write("TWO", mapping, WRITES[:2])
    assert [verdict.outcome for verdict in verdicts] == [outcome] * 2
    assert all(isinstance(verdict.error, RetryLater) for verdict in verdicts)


async def test_more_writes_than_a_request_may_hold_are_split(mapping: Mapping) -> None:
    writes = [new(number) for number in range(MOST + 1)]
    far = FarEnd([landed(*writes[:MOST]), httpx.Response(503)])
    verdicts = await DataverseRecords(far.client()).write("TWO", mapping, writes)
    assert [verdict.outcome for verdict in verdicts[-2:]] == [Outcome.WRITTEN, Outcome.FAILED]


# references


async def test_what_rows_refer_to_is_read_with_their_versions(mapping: Mapping) -> None:
    held = {"accountid": "ID1", "@odata.etag": 'W/"7"', "_primarycontactid_value": "ANN"}
    free = {"accountid": "ID2", "@odata.etag": 'W/"8"', "_primarycontactid_value": None}
    far = FarEnd([[answered(200, {"value": [held, free]})]])
    found = await DataverseRecords(far.client()).referred(mapping, "primarycontactid", ["id1", "id2", "id3"])
    assert found == {"id1": Reference("id1", "ann", 'W/"7"'), "id2": Reference("id2", "", 'W/"8"')}
    assert "$select=accountid,_primarycontactid_value&" in far.parts[0][0]


async def test_a_reference_is_written_alone_and_on_the_row_as_it_was_read(mapping: Mapping) -> None:
    far = FarEnd([[answered(204), refused(412, "0x80060882"), refused(404, "0x80040217"), refused(400, "0x80048d19")]])
    wanted = [Reference(f"id{number}", "ann", f'W/"{number}"') for number in range(4)]
    contact = load_all(MAPPINGS)["contact"]
    verdicts = await DataverseRecords(far.client()).refer(mapping, "primarycontactid", contact, wanted)
    assert [verdict.outcome for verdict in verdicts] == [
        Outcome.WRITTEN, Outcome.CHANGED, Outcome.GONE, Outcome.FAILED,
    ]  # fmt: skip
    first = far.parts[0][0]
    assert "PATCH /api/data/v9.2/accounts(id0) HTTP/1.1" in first
    assert 'If-Match: W/"0"' in first
    assert first.endswith('{"primarycontactid@odata.bind": "/contacts(ann)"}\r\n')
