"""A report comes back from its file as it was written, and no record makes a spreadsheet compute."""

import csv
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from sync.errors import Rejected
from sync.matching import files
from sync.matching.report import COUPLES, DATAVERSE_ID, DECISION, DIFFERENCES, GP_ID, ONLY_DATAVERSE, Row
from sync.value import visible

COLUMNS = (DECISION, GP_ID, DATAVERSE_ID, "score", "GP name", "GP state", "Dataverse state", "report")
NASTY = ["=1+1", "+1 414", "-x", "@SUM(A1)", "'=quoted", "\t=tab", "007", "1E5", "plain", "", "line\nbreak", "a,b;c"]


def written(path: Path, rows: list[tuple[str, Row]]) -> Path:
    with files.writer(path, COLUMNS, (GP_ID, "in GP"), ["Title", "text"]) as file:
        for table, row in rows:
            file.add(table, row)
    return path


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=20)), max_size=5))
def test_what_is_written_is_read_again(kind: str, tmp_path: Path, names: list[str]) -> None:
    path = written(
        tmp_path / f"r.{kind}", [(COUPLES, {GP_ID: name, DECISION: "couple", "score": 90}) for name in names]
    )
    found = [(table, row[GP_ID], row[DECISION]) for table, _, row in files.read(path) if table == COUPLES]
    # Line breaks are one kind in XML and CSV; what can't be seen is told by a picture.
    assert found == [(COUPLES, visible(name), "couple") for name in names]


def test_no_cell_is_a_formula_in_a_workbook(tmp_path: Path) -> None:
    path = written(tmp_path / "r.xlsx", [(COUPLES, {GP_ID: name, "GP name": name, DECISION: name}) for name in NASTY])
    cells = [cell for row in load_workbook(path)[COUPLES].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    sheets = [name for name in zipfile.ZipFile(path).namelist() if "worksheets" in name]
    assert not any(b"<f>" in zipfile.ZipFile(path).read(name) for name in sheets)


def test_no_field_of_a_csv_begins_as_a_formula_or_is_taken_for_a_number(tmp_path: Path) -> None:
    path = written(tmp_path / "r.csv", [(COUPLES, {"GP name": name}) for name in NASTY])
    with path.open(encoding="utf-8-sig", newline="") as file:
        told = [row["GP name"] for row in csv.DictReader(file)]
    assert not any(text.startswith(("=", "+", "-", "@", "\t")) or text.isdigit() for text in told)


def test_the_differences_of_a_csv_stand_beside_it(tmp_path: Path) -> None:
    path = written(
        tmp_path / "r.csv", [(DIFFERENCES, {GP_ID: "A", "in GP": "=x"}), (ONLY_DATAVERSE, {DATAVERSE_ID: "d"})]
    )
    assert "'=x" in files.beside(path).read_text("utf-8-sig")
    assert [table for table, _, _ in files.read(path)] == [ONLY_DATAVERSE]


def test_a_table_longer_than_a_sheet_goes_on_in_a_second_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    path = written(tmp_path / "r.xlsx", [(COUPLES, {GP_ID: f"K{n}"}) for n in range(8)])
    assert [row[GP_ID] for _, _, row in files.read(path)] == [f"K{n}" for n in range(8)]
    assert {"couples", "couples 2", "couples 3"} <= set(load_workbook(path).sheetnames)


def test_people_find_a_fixed_header_filters_and_hidden_technical_columns(tmp_path: Path) -> None:
    sheet = load_workbook(written(tmp_path / "r.xlsx", [(COUPLES, {GP_ID: "A"})]))[COUPLES]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("D2", "A1:H2")
    assert [sheet.column_dimensions[name].hidden for name in "ABFGH"] == [False, False, True, True, True]


@pytest.mark.parametrize(("name", "text"), [("r.xlsx", "no zip"), ("r.csv", "one,two\n1,2\n"), ("r.csv", "\x00\xff")])
def test_a_file_that_is_no_report_is_refused_in_words(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "latin-1")
    with pytest.raises(Rejected) as caught:
        list(files.read(tmp_path / name))
    assert caught.value.code == "match_file_unreadable"
    assert name in caught.value.message
