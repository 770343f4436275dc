"""Rows as the line sees them: exact types, and a representation that counts only while it is ours."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sync.errors import Rejected
from sync.mapping import Mapping, load_all
from sync.system import Outcome, Write
from sync.systems.dataverse.batch import Answer
from sync.systems.dataverse.client import write_json
from sync.systems.dataverse.records import _verdict
from sync.systems.dataverse.rows import record_from, sent
from tests.unit.conftest import MAPPINGS

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
    ],
)
def test_a_refusal_is_told_apart(mapping: Mapping, status: int, code: str, create: bool, outcome: Outcome) -> None:
    answer = Answer(status, {}, write_json({"error": {"code": code, "message": "no"}}))
    verdict = _verdict(mapping, Write("id", {}, "m", create=create), answer, "us")
    assert verdict.outcome is outcome


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
