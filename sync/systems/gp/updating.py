"""The transaction for a customer that exists. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.schema import gp_parameter
from sync.system import Write
from sync.systems.gp.precondition import Joined, joined_row, joined_rows, own_tests
from sync.systems.gp.transaction import Argument, Call, Transaction, Variable, begin, codes_for, mark
from sync.systems.gp.written import (
    ADDRESS,
    CUSTOMER,
    INTERNET,
    MAIN,
    PLACE,
    Columns,
    Written,
    addresses,
    blank,
    by_parameter,
    internets,
)

INTERNET_COLUMNS = (
    *(f"INET{number}" for number in range(1, 9)),
    *("Messenger_Address", "INETINFO", "EmailToAddress", "EmailCcAddress", "EmailBccAddress"),
)
"""What the procedure for internet addresses wipes when it is not given."""
LABELS = ("INTEGRATIONID", "GPSFOINTEGRATIONID", "INTEGRATIONSOURCE")
"""Columns for other programs: the customer's procedure blanks those it is not given."""


@dataclass(frozen=True)
class _Place:
    """What is written of one joined row. `code`: the customer's column with its address code; `new`: there was no row."""

    alias: str
    code: str
    columns: Columns
    new: bool


def update(mapping: Mapping, write: Write, written: Written) -> Transaction:
    """A customer as it was seen. Raises Rejected when two different values would go to one address, and ValueError for a
    write that does not say what it was decided on.
    """
    transaction, seen = begin(write, written), joined_rows(mapping, write.seen)
    transaction.own, transaction.seen = own_tests(mapping, write), list(seen.values())
    places = _places(mapping, written, addresses(mapping), seen)
    nets = _places(mapping, written, internets(mapping), seen)
    own = {column: value for column, value in written.row("").items() if column in PLACE}
    for place in (*places, *nets):
        if place.new:
            _name(mapping, transaction, place.alias, place.code)
    if own:
        _name(mapping, transaction, next(iter(addresses(mapping)), "main"), MAIN)
    _keep_apart(mapping, transaction, [(MAIN, own), *((place.code, place.columns) for place in places)])
    transaction.calls.append(Call(CUSTOMER, _customer(mapping, write, written, transaction)))
    transaction.calls += [Call(ADDRESS, _address(mapping, write, place)) for place in places]
    transaction.calls += [_internet(mapping, write, net) for net in nets]
    return transaction


def _places(mapping: Mapping, written: Written, codes: dict[str, str], seen: dict[str, Joined]) -> list[_Place]:
    """The joined rows that are written. A missing one whose columns the mapping reads from the customer's own row
    (`otherwise: main`) is the main address.
    """
    places = []
    for alias, code in codes.items():
        columns = written.row(alias)
        new = alias in seen and seen[alias].absent
        if columns and not (new and blank(columns.values())):
            main = new and mapping.gp.joins[alias].otherwise
            places.append(_Place(alias, MAIN if main else code, columns, new))
    return places


def _name(mapping: Mapping, transaction: Transaction, alias: str, code: str) -> None:
    """See that a code column names an address, and that this is there and whole."""
    codes = codes_for(mapping, alias) if alias in mapping.gp.joins else ("PRIMARY",)
    transaction.pick.setdefault(code, codes)
    transaction.whole[code] = None


def _keep_apart(mapping: Mapping, transaction: Transaction, rows: Iterable[tuple[str, Columns]]) -> None:
    for (one, first), (other, second) in combinations(rows, 2):
        if all(first[column] == second[column] for column in first.keys() & second.keys()):
            continue
        if one == other:
            text = f"{transaction.key}: two different values would go to one address in GP."
            raise Rejected(text, code="one_in_gp", system="gp", entity=mapping.gp.entity, key=transaction.key)
        transaction.apart.append((one, other))


def _customer(mapping: Mapping, write: Write, written: Written, transaction: Transaction) -> dict[str, Argument]:
    """The customer's own columns; and its main address whole where there may be none yet."""
    return {
        "CUSTNMBR": write.id,
        **(_fill(MAIN) if MAIN in transaction.whole else {}),
        **by_parameter("RM00101", written.row("")),
        **{code: Variable(code) for code in transaction.whole},
        **{label: Variable(label) for label in LABELS},
        **mark(mapping, write),
        "CreateAddress": 1 if transaction.whole else 0,
        "UpdateIfExists": 1,
    }


def _address(mapping: Mapping, write: Write, place: _Place) -> dict[str, Argument]:
    return {
        "CUSTNMBR": write.id,
        "ADRSCODE": Variable(place.code),
        **(_fill(place.code) if place.new else {}),
        **by_parameter("RM00102", place.columns),
        **mark(mapping, write),
        "UpdateIfExists": 1,
    }


def _internet(mapping: Mapping, write: Write, place: _Place) -> Call:
    kept = {column: Variable(column) for column in INTERNET_COLUMNS}
    arguments: dict[str, Argument] = {
        **{"Master_Type": "CUS", "Master_ID": write.id, "ADRSCODE": Variable(place.code)},
        **kept,
        **by_parameter("SY01200", place.columns),
    }
    return Call(INTERNET, arguments, joined_row(mapping.gp.joins[place.alias]))


def _fill(code: str) -> dict[str, Argument]:
    """The values that a missing address starts with, in variables: NULL, that is nothing, when it is there."""
    return {gp_parameter("RM00102", column).name: Variable(f"{code}_{column}") for column in PLACE}
