"""The transaction for a further address of a customer, which is a record of its own. Pure.

The procedure keeps whatever it is not given. Of the address whose code is the customer's main one it writes the customer's
own columns too, as GP's windows do.
"""

from sync.keys import split_key
from sync.mapping import Mapping
from sync.system import Write
from sync.systems.gp.precondition import Joined, Test, joined_rows, own_tests
from sync.systems.gp.rows import column_type
from sync.systems.gp.transaction import Call, Transaction, begin, mark
from sync.systems.gp.written import ADDRESS, ADDRESSES, CUSTOMERS, MAIN, Written, by_parameter

OWN = (MAIN, "PRBTADCD", "PRSTADCD")
"""The columns of a customer that name an address which its account holds itself."""


def transaction(mapping: Mapping, write: Write, written: Written) -> Transaction:
    """An address that must not exist yet, or one as it was seen. Raises ValueError for a write that does not say what it was
    decided on.
    """
    found = begin(write, written)
    customer, code = split_key(write.id, len(mapping.gp.key))
    if write.create:
        found.unnamed = [_named(customer, column, code) for column in OWN]
    else:
        found.own, found.seen = own_tests(mapping, write), list(joined_rows(mapping, write.seen).values())
    arguments = {
        **dict(zip(mapping.gp.key, (customer, code), strict=True)),
        **by_parameter(ADDRESSES, written.row("")),
        **mark(mapping, write),
        "UpdateIfExists": 0 if write.create else 1,
    }
    found.calls.append(Call(ADDRESS, arguments))
    return found


def _named(customer: str, column: str, code: str) -> Joined:
    """A customer that names the code of a new address already, though it has none: it would become the account's own."""
    where = [("CUSTNMBR", customer, column_type(CUSTOMERS, "CUSTNMBR"))]
    return Joined(
        CUSTOMERS, (), where, absent=False, tests=[Test(column, column_type(CUSTOMERS, column), "value", code)]
    )
