"""The transaction for a new customer. Pure."""

from dataclasses import dataclass, field

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.system import Write
from sync.systems.gp.transaction import Argument, Call, Transaction, begin, codes_for, mark
from sync.systems.gp.written import (
    ADDRESS,
    CODES,
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


@dataclass
class _Addresses:
    """Which code each address gets. `taken`: what is written under a code, by the column that names it."""

    main: str
    own: Columns
    codes: dict[str, str] = field(default_factory=dict)
    taken: dict[str, Columns] = field(default_factory=dict)


def create(mapping: Mapping, write: Write, written: Written) -> Transaction:
    """A customer that must not exist yet, with class defaults where it names a class.

    As GP's windows do, all its code columns name the one address it has, unless two are written. Raises Rejected when two
    different addresses were given one code.
    """
    transaction = begin(write, written)
    placed = _placed(mapping, write, written)
    transaction.calls.append(Call(CUSTOMER, _customer(mapping, write, written, placed)))
    for alias, code in addresses(mapping).items():
        columns = written.row(alias)
        if not blank(columns.values()):
            transaction.calls.append(Call(ADDRESS, _address(mapping, write, columns, placed, placed.codes[code])))
    for alias, code in internets(mapping).items():
        columns = written.row(alias)
        if not blank(columns.values()):
            under = {"ADRSCODE": placed.codes.get(code, placed.main)}
            transaction.calls.append(Call(INTERNET, {**_master(write), **under, **by_parameter("SY01200", columns)}))
    return transaction


def _customer(mapping: Mapping, write: Write, written: Written, placed: _Addresses) -> dict[str, Argument]:
    own = {column: value for column, value in written.row("").items() if value != ""}
    codes = {code: placed.codes.get(code, placed.main) for code in CODES}
    roll = {"UseCustomerClass": 1} if own.get("CUSTCLAS") else {}
    flags = {"CreateAddress": 1, "UpdateIfExists": 0, **roll}
    return {
        "CUSTNMBR": write.id,
        **by_parameter("RM00101", own),
        **codes,
        **mark(mapping, write),
        **flags,
    }


def _address(mapping: Mapping, write: Write, columns: Columns, placed: _Addresses, code: str) -> dict[str, Argument]:
    """The main one repeats the customer's own columns, any other starts empty."""
    if code == placed.main:
        columns = {column: value for column, value in columns.items() if value != ""}
    else:
        columns = dict.fromkeys(PLACE, "") | columns
    key = {"CUSTNMBR": write.id, "ADRSCODE": code}
    return {**key, **by_parameter("RM00102", columns), **mark(mapping, write), "UpdateIfExists": 1}


def _master(write: Write) -> dict[str, Argument]:
    return {"Master_Type": "CUS", "Master_ID": write.id}


def _placed(mapping: Mapping, write: Write, written: Written) -> _Addresses:
    aliases = addresses(mapping)
    firsts = [written.codes.get(code) or codes_for(mapping, alias)[0] for alias, code in aliases.items()]
    main = written.codes.get(MAIN) or next(iter(firsts), "PRIMARY")
    placed = _Addresses(main, written.row(""), dict(written.codes))
    for alias, code in aliases.items():
        columns = written.row(alias)
        if blank(columns.values()):
            placed.codes.setdefault(code, main)
            continue
        given = written.codes.get(code)
        free = [each for each in ([given] if given else codes_for(mapping, alias)) if _fits(placed, each, columns)]
        if not free:
            text = f"{write.id}: two different addresses would be {given or alias} in GP."
            raise Rejected(text, code="one_in_gp", system="gp", entity=mapping.gp.entity, key=write.id)
        placed.codes[code] = free[0]
        placed.taken[free[0]] = placed.taken.get(free[0], {}) | columns
    return placed


def _fits(placed: _Addresses, code: str, columns: Columns) -> bool:
    """Whether an address can stand under a code: it is the same as the one there, and does not contradict the customer's
    own columns, which repeat the main address.
    """
    there = placed.taken.get(code)
    same = there is None or all(there.get(column, "") == columns.get(column, "") for column in PLACE)
    main = placed.own if code == placed.main else {}
    return same and all(main.get(column) in ("", None, columns[column]) for column in columns if columns[column] != "")
