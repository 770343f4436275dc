"""Where a GP path lives: in which row it is written, and which paths are one and the same place there.

Bill-to and ship-to are often one address. And what a customer carries of an address itself is the row of RM00102 under its
own ADRSCODE: eConnect writes both when one is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.errors import Rejected
from sync.keys import canonical
from sync.mapping_model import GpSide
from sync.value import Value

ADDRESS = frozenset(
    {
        "CNTCPRSN",
        "ADDRESS1",
        "ADDRESS2",
        "ADDRESS3",
        "CITY",
        "STATE",
        "ZIP",
        "CCode",
        "COUNTRY",
        "PHONE1",
        "PHONE2",
        "PHONE3",
        "FAX",
        "UPSZONE",
        "SHIPMTHD",
        "TAXSCHID",
    }
)
"""The columns that RM00101 repeats of its own address."""

type Row = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Present:
    """What GP holds of a record, by path. Of a `new` one, what it would hold if nothing were written."""

    values: Mapping[str, Value]
    new: bool


def key_paths(gp: GpSide, alias: str) -> list[str]:
    """The paths that tell which row of a joined table it is; the first is None only when there is no such row."""
    return [f"{alias}.{column}" for column in gp.joins[alias].on]


def own_code(gp: GpSide) -> list[str]:
    """The path that tells which address a record carries itself."""
    return ["ADRSCODE"] if gp.table == "RM00101" else []


def home(gp: GpSide, path: str, present: Present) -> str:
    """The path where a value is written: in the pair's own table when that stands in for a row that doesn't exist."""
    alias, _, column = path.rpartition(".")
    stands_in = alias and gp.joins[alias].otherwise and present.values[key_paths(gp, alias)[0]] is None
    return column if stands_in and not present.new else path


def check_places(gp: GpSide, columns: Mapping[str, Value], present: Present) -> None:
    """Raises Rejected (`one_in_gp`) when two paths that are one place in GP would get different values."""
    told: dict[tuple[Row, str], str] = {}
    for path, value in columns.items():
        alias, _, column = path.rpartition(".")
        first = told.setdefault((_row(gp, alias, column, present), column), path)
        if columns[first] != value:
            text = f"{first} and {path} are one and the same in GP, but would get different values."
            raise Rejected(text, code="one_in_gp", system="gp", entity=gp.entity)


def _row(gp: GpSide, alias: str, column: str, present: Present) -> Row:
    if alias:
        join = gp.joins[alias]
        codes = {name: _code(gp, alias, name, present) for name, parent in join.on.items() if parent != gp.key}
        return join.table, frozenset((join.where | codes).items())
    if gp.table != "RM00101" or column not in ADDRESS:
        return gp.table, frozenset()
    return "RM00102", frozenset({("ADRSCODE", _own(gp, present))})


def _code(gp: GpSide, alias: str, column: str, present: Present) -> str:
    return canonical(str(present.values.get(f"{alias}.{column}") or gp.joins[alias].new.get(column, alias)))


def _own(gp: GpSide, present: Present) -> str:
    """A new customer's own address is the one that stands behind `otherwise: main`."""
    made = [join.new.get("ADRSCODE", "") for join in gp.joins.values() if join.otherwise]
    return canonical(str((present.values.get("ADRSCODE") if not present.new else None) or "".join(made[:1])))
