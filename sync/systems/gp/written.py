"""What a write brings, sorted by where it belongs in GP and turned into what the procedures take. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sync import schema
from sync.errors import Rejected
from sync.keys import canonical
from sync.mapping import Mapping
from sync.system import Record, Write
from sync.systems.gp.arguments import argument
from sync.systems.gp.rows import can_hold
from sync.systems.gp.statements import Parameter

CUSTOMER, ADDRESS, INTERNET = "taUpdateCreateCustomerRcd", "taCreateCustomerAddress", "taCreateInternetAddresses"
PROCEDURES = {"RM00101": CUSTOMER, "RM00102": ADDRESS, "SY01200": INTERNET}
CUSTOMERS, ADDRESSES = "RM00101", "RM00102"
"""The tables whose rows are written as records of their own."""
MAIN = "ADRSCODE"
CODES = (MAIN, "PRBTADCD", "PRSTADCD", "STADDRCD")
"""The columns of a customer that name an address of it; its own columns repeat the address of the first one."""
PLACE = (
    *("CNTCPRSN", "ADDRESS1", "ADDRESS2", "ADDRESS3", "CITY", "STATE", "ZIP", "COUNTRY", "CCode"),
    *("PHONE1", "PHONE2", "PHONE3", "FAX"),
)
"""What an address holds that its customer may repeat."""
CODE_LENGTH = 15

type Columns = dict[str, Parameter]
"""What is written of one row: arguments by column."""


@dataclass
class Written:
    """`rows`: by alias, "" for the record's own row. `codes`: the address codes given, by the customer's column."""

    rows: dict[str, Columns] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def row(self, alias: str) -> Columns:
        """What is written of one row."""
        return self.rows.get(alias, {})

    @property
    def shipping_methods(self) -> list[Parameter]:
        """Those that are named, each once."""
        named = (columns.get("SHIPMTHD") for columns in self.rows.values())
        return list(dict.fromkeys(method for method in named if method))


def sort(mapping: Mapping, write: Write) -> Written:
    """Raises Rejected, one for all its values, when a column can't be written or a parameter would not take the value
    whole.
    """
    written, faults = Written(), list[Rejected]()
    for path in write.values:
        try:
            _take(mapping, write, path, written)
        except Rejected as fault:
            faults.append(fault)
    if faults:
        text = " ".join(fault.message for fault in faults)
        raise Rejected(text, code=faults[0].code, system="gp", entity=mapping.gp.entity, key=write.id)
    return written


def addresses(mapping: Mapping) -> dict[str, str]:
    """The joined addresses of a customer: alias -> the customer's column with the code."""
    return _joined(mapping, ADDRESS)


def internets(mapping: Mapping) -> dict[str, str]:
    """The joined internet addresses of a customer: alias -> the customer's column with the code."""
    return _joined(mapping, INTERNET)


def by_parameter(table: str, columns: Columns) -> dict[str, Parameter]:
    """Arguments by parameter instead of by column."""
    return {schema.gp_parameter(table, column).name: value for column, value in columns.items()}


def blank(columns: Iterable[Parameter]) -> bool:
    """Whether nothing is filled in."""
    return not any(columns)


def _joined(mapping: Mapping, procedure: str) -> dict[str, str]:
    joins = mapping.gp.joins.items()
    return {
        alias: join.on[MAIN] for alias, join in joins if PROCEDURES.get(join.table) == procedure and MAIN in join.on
    }


def _take(mapping: Mapping, write: Write, path: str, written: Written) -> None:
    alias, _, column = path.rpartition(".")
    value = write.values[path]
    table = mapping.gp.joins[alias].table if alias else mapping.gp.table
    code = mapping.gp.joins[alias].on.get(column, "") if alias else column if column in CODES else ""
    if mapping.gp.table != CUSTOMERS and (alias or column in mapping.gp.key):
        raise _not_writable(path)
    if not alias and (column,) == mapping.gp.key:
        if canonical(str(value)) != write.id:
            raise _not_writable(path)
    elif code in CODES:
        _take_code(write, path, code, written)
    elif column in schema.gp_table(table).key:
        raise _not_writable(path)
    else:
        written.rows.setdefault(alias, {})[column] = argument(_parameter(table, path), value)


def _take_code(write: Write, path: str, code: str, written: Written) -> None:
    """A new customer's address may be given a code; which one a customer has is changed in GP."""
    text = canonical(str(write.values[path] or ""))
    if write.create and text:
        if not can_hold(text, CODE_LENGTH):
            raise Rejected(f"{path} is no address code: 15 characters.", code="value_too_long", system="gp")
        written.codes[code] = text
    elif not write.create and text != canonical(str(_seen(write.seen, path) or "")):
        raise _not_writable(path)


def _seen(seen: Record | None, path: str) -> object:
    return seen.values.get(path) if seen else None


def _parameter(table: str, path: str) -> schema.Parameter:
    try:
        return schema.gp_parameter(table, path.rpartition(".")[2])
    except schema.UnknownName:
        raise _not_writable(path) from None


def _not_writable(path: str) -> Rejected:
    return Rejected(f"{path} can't be written in GP from outside.", code="not_writable", system="gp")
