"""The match report as a file that people edit: a workbook, or CSV. Nothing in it is a formula, whatever a record holds."""

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, Self

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from sync.errors import Rejected
from sync.matching.report import (
    COUPLE,
    COUPLES,
    DATAVERSE_ID,
    DATAVERSE_STATE,
    DECIDED,
    DECISION,
    DIFFERENCES,
    DOUBTS,
    GP_ID,
    GP_STATE,
    LATER,
    NOT,
    ONLY_DATAVERSE,
    ONLY_GP,
    REPORT,
    WHY,
    Row,
)
from sync.value import visible

MOST_ROWS = 1_000_000
"""A sheet holds 1,048,576 rows; what comes after goes on in a second one."""

MOST_LETTERS = 32_000
"""A cell holds 32,767 characters."""

SHEET = "table"
"""The column of a CSV that says which table its row is of."""

_WIDTHS = {DECISION: 16, GP_ID: 18, DATAVERSE_ID: 38, WHY: 60, "field": 26, "problem": 60}
_HIDDEN = (GP_STATE, DATAVERSE_STATE, REPORT)
_HEAD = PatternFill("solid", fgColor="1F3864")
_EDIT = PatternFill("solid", fgColor="FFF2CC")
_COLOURS = {COUPLE: "C6E0B4", NOT: "D9D9D9", LATER: "FCE4D6"}
_TABS = {COUPLES: "70AD47", DOUBTS: "FFC000", ONLY_GP: "5B9BD5", ONLY_DATAVERSE: "5B9BD5", DIFFERENCES: "A5A5A5"}
# What a spreadsheet takes for a formula at the beginning of a CSV's field.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "'")


class Writer(Protocol):
    """Takes rows of several tables in any order."""

    def add(self, table: str, row: Row) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def writer(path: Path, columns: Sequence[str], difference_columns: Sequence[str], lines: Sequence[str]) -> Writer:
    """A writer for the kind of file that the path names. `lines`: what the first sheet explains."""
    if path.suffix.lower() == ".csv":
        return CsvFile(path, columns, difference_columns)
    return XlsxFile(path, columns, difference_columns, lines)


def read(path: Path) -> Iterator[tuple[str, int, dict[str, str]]]:
    """The rows in which a person decides: table, number of the row in it, values by column.

    Raises Rejected (`match_file_unreadable`) for a file that is no report.
    """
    rows = _read_csv(path) if path.suffix.lower() == ".csv" else _read_xlsx(path)
    try:
        for table, number, row in rows:
            missing = {DECISION, GP_ID, DATAVERSE_ID, GP_STATE, DATAVERSE_STATE, REPORT} - row.keys()
            if missing:
                raise _unreadable(path, f"the column {', '.join(sorted(missing))} is missing in {table}")
            yield table, number, row
    except (OSError, InvalidFileException, KeyError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    except Exception as error:
        if type(error).__name__ == "BadZipFile":
            raise _unreadable(path, "it is no workbook") from error
        raise


class XlsxFile:
    """One sheet a table, written row by row, so that memory does not grow with them."""

    def __init__(
        self, path: Path, columns: Sequence[str], difference_columns: Sequence[str], lines: Sequence[str]
    ) -> None:
        self._path = path
        self._book = Workbook(write_only=True)
        self._explain(lines)
        self._columns = dict.fromkeys((*DECIDED, ONLY_DATAVERSE), columns) | {DIFFERENCES: difference_columns}
        self._sheets = {table: self._sheet(table, table) for table in self._columns}
        self._rows = dict.fromkeys(self._columns, 1)

    def add(self, table: str, row: Row) -> None:
        sheet = self._room(table)
        sheet.append([self._cell(sheet, name, row.get(name, "")) for name in self._columns[table]])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for table, sheet in self._sheets.items():
            self._close(table, sheet)
        if error[0] is None:
            self._book.save(self._path)

    def _explain(self, lines: Sequence[str]) -> None:
        sheet = self._book.create_sheet("read me")
        sheet.column_dimensions["A"].width = 120
        for number, line in enumerate(lines):
            cell = WriteOnlyCell(sheet, line)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=number == 0, size=14 if number == 0 else 11)
            sheet.append([cell])

    def _sheet(self, table: str, title: str) -> Any:
        sheet = self._book.create_sheet(title)
        columns = self._columns[table]
        sheet.freeze_panes = "D2" if table != DIFFERENCES else "A2"
        sheet.sheet_properties.tabColor = _TABS[table]
        for number, name in enumerate(columns, 1):
            dimension = sheet.column_dimensions[get_column_letter(number)]
            dimension.width = _WIDTHS.get(name, 22)
            dimension.hidden = name in _HIDDEN
        sheet.append([self._head(sheet, name) for name in columns])
        return sheet

    def _room(self, table: str) -> Any:
        """The sheet that the next row of a table goes to."""
        self._rows[table] += 1
        if (self._rows[table] - 2) % MOST_ROWS == 0 and self._rows[table] > 2:
            self._close(table, self._sheets[table])
            number = self._rows[table] // MOST_ROWS + 1
            self._sheets[table] = self._sheet(table, f"{table} {number}")
        return self._sheets[table]

    def _close(self, table: str, sheet: Any) -> None:
        last = min(self._rows[table], MOST_ROWS + 1)
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(self._columns[table]))}{last}"
        if table in DECIDED:
            words = DataValidation(
                "list", formula1=f'"{COUPLE},{NOT},{LATER}"', allow_blank=True, showErrorMessage=False
            )
            words.add(f"A2:A{last + 1}")
            sheet.data_validations.append(words)
            for word, colour in _COLOURS.items():
                fill = PatternFill("solid", bgColor=colour)
                sheet.conditional_formatting.add(f"A2:A{last + 1}", FormulaRule(formula=[f'$A2="{word}"'], fill=fill))  # type: ignore[no-untyped-call]

    def _head(self, sheet: Any, name: str) -> Any:
        cell = WriteOnlyCell(sheet, name)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), _HEAD
        return cell

    def _cell(self, sheet: Any, name: str, value: str | int) -> Any:
        if isinstance(value, int):
            return value
        text = visible(value)[:MOST_LETTERS]
        if name != DECISION and not text.startswith("="):
            return text
        cell = WriteOnlyCell(sheet, text)
        cell.data_type = "s"
        if name == DECISION:
            cell.fill = _EDIT
        return cell


class CsvFile:
    """All tables in which records stand in one file, the differences in another one beside it."""

    def __init__(self, path: Path, columns: Sequence[str], difference_columns: Sequence[str]) -> None:
        self._stack = contextlib.ExitStack()
        self._records = csv.DictWriter(self._open(path), (SHEET, *columns))
        self._differences = csv.DictWriter(self._open(beside(path)), difference_columns)
        self._records.writeheader()
        self._differences.writeheader()

    def add(self, table: str, row: Row) -> None:
        told = {name: _neutral(value) for name, value in row.items()}
        if table == DIFFERENCES:
            self._differences.writerow(told)
        else:
            self._records.writerow({SHEET: table, **told})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, path: Path) -> IO[str]:
        # With its mark Excel reads it as UTF-8.
        return self._stack.enter_context(path.open("w", encoding="utf-8-sig", newline=""))


def beside(path: Path) -> Path:
    """Where the differences of a CSV stand."""
    return path.with_name(f"{path.stem}-differences{path.suffix}")


def _neutral(value: str | int) -> str | int:
    """A text that no spreadsheet computes or turns into a number."""
    if isinstance(value, int):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_DANGEROUS) or text.replace(".", "").replace("E", "").isdigit() else text


def _plain(text: str) -> str:
    """The inverse of `_neutral`."""
    return text.removeprefix("'") if text.startswith("'") else text


def _read_csv(path: Path) -> Iterator[tuple[str, int, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            values = {name: _plain(value or "") for name, value in row.items() if name}
            yield values.pop(SHEET, ""), number, values


def _read_xlsx(path: Path) -> Iterator[tuple[str, int, dict[str, str]]]:
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            table = next((name for name in (*DECIDED, ONLY_DATAVERSE) if sheet.title.startswith(name)), "")
            rows = sheet.iter_rows(values_only=True) if table else iter(())
            head = [str(name or "") for name in next(rows, ())]
            for number, row in enumerate(rows, 2):
                yield table, number, {name: _text(value) for name, value in zip(head, row, strict=False) if name}
    finally:
        book.close()


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _unreadable(path: Path, why: str) -> Rejected:
    return Rejected(f"{path.name} is no match report: {why}.", code="match_file_unreadable")
