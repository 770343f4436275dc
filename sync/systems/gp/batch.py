"""Transactions as one batch of SQL. Pure."""

from collections.abc import Iterable, Sequence

from sync.mapping import Mapping
from sync.schema import gp_parameter
from sync.systems.gp.rows import column_type, key_columns, selection
from sync.systems.gp.statements import Statement, render
from sync.systems.gp.transaction import Transaction
from sync.systems.gp.updating import INTERNET_COLUMNS, LABELS
from sync.systems.gp.written import ADDRESSES, CODES, CUSTOMERS, PLACE

_INTERNETS = "SY01200"


def batch(mapping: Mapping, transactions: Sequence[Transaction], patience_ms: int) -> Statement:
    """The batch that does `transactions` one after another; those whose turn has not come within `patience_ms` are left undone.

    Per transaction, result sets with a column `gp365_kept` (the record as it is, see `rows.record_of`) or `gp365_record` (what
    became of it), both holding its number; procedures may add some of their own.
    """
    own = _own_columns(mapping)
    place = PLACE if mapping.gp.table == CUSTOMERS else ()
    return render(
        "write",
        table=mapping.gp.table,
        keys=[key_columns(mapping, transaction.key) for transaction in transactions],
        **selection(mapping),
        transactions=transactions,
        patience=patience_ms,
        own=own,
        place=place,
        internet=INTERNET_COLUMNS,
        internet_types={column: _variable_type(_INTERNETS, column) for column in INTERNET_COLUMNS},
        internet_limits=_limits(_INTERNETS, INTERNET_COLUMNS),
        place_limits=_limits(ADDRESSES, PLACE),
        variables=list(_variables(mapping.gp.table, own, place, transactions)),
    )


def _own_columns(mapping: Mapping) -> list[str]:
    """The record's columns that a batch keeps in variables of the same name."""
    parents = [parent for join in mapping.gp.joins.values() for parent in join.on.values()]
    more = (*CODES, *LABELS) if mapping.gp.table == CUSTOMERS else ()
    return list(dict.fromkeys([*mapping.gp.key, *parents, *more]))


def _variables(
    table: str, own: Iterable[str], place: Sequence[str], transactions: Iterable[Transaction]
) -> Iterable[tuple[str, str]]:
    """Name and type of every variable that holds a column."""
    yield from ((column, column_type(table, column)) for column in own)
    codes = dict.fromkeys(["own", *(code for transaction in transactions for code in transaction.whole)])
    yield from ((f"{code}_{column}", column_type(table, column)) for code in codes for column in place)
    yield from ((column, _variable_type(_INTERNETS, column)) for column in INTERNET_COLUMNS)


def _variable_type(table: str, column: str) -> str:
    """SQL Server has no variables of type text."""
    known = column_type(table, column)
    return "varchar(max)" if known == "text" else known


def _limits(table: str, columns: Iterable[str]) -> dict[str, int]:
    """What a procedure takes of each column, where that is less than the column holds: the rest would be cut."""
    lengths = {column: gp_parameter(table, column).length for column in columns}
    return {column: length for column, length in lengths.items() if length is not None}
