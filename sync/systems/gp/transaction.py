"""What one write asks of GP: what must be as it was seen, and the procedures to call. Pure.

The procedures go in eConnect's order: a customer, its addresses, its internet addresses. Under which code an address
stands may be known only to GP: then it names a variable of the batch (`sql/write.sql`), which holds the customer's own
column.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC

from sync.mapping import Mapping
from sync.system import Write
from sync.systems.gp.marks import stored_mark
from sync.systems.gp.precondition import Joined, Test
from sync.systems.gp.statements import Parameter
from sync.systems.gp.written import Written


@dataclass(frozen=True)
class Variable:
    """A variable of the batch, without its @."""

    name: str


type Argument = Parameter | Variable


@dataclass(frozen=True)
class Call:
    """One EXEC: its arguments by parameter, without `@I_v`. `row`: where its other values are kept, if it wipes them."""

    procedure: str
    arguments: dict[str, Argument]
    row: Joined | None = None


@dataclass
class Transaction:
    """One record's write: all of it lands or nothing.

    `own`, `seen`: what the record's row and the joined ones must hold. `unnamed`: rows that must not be there. `pick`:
    columns with an address code that may be blank, and the codes to choose from then. `whole`: columns with a code whose
    address may be missing. `apart`: columns whose codes must not be the same. `methods`: shipping methods that must exist,
    since eConnect makes set-up data of any other.
    """

    key: str
    create: bool
    not_after: str
    own: Sequence[Test] = ()
    seen: Sequence[Joined] = ()
    unnamed: Sequence[Joined] = ()
    pick: dict[str, tuple[str, ...]] = field(default_factory=dict)
    whole: dict[str, None] = field(default_factory=dict)
    apart: list[tuple[str, str]] = field(default_factory=list)
    methods: Sequence[Parameter] = ()
    calls: list[Call] = field(default_factory=list)


def begin(write: Write, written: Written) -> Transaction:
    """A transaction without calls."""
    limit = write.not_after
    stamp = limit.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") if limit else ""
    return Transaction(write.id, write.create, stamp, methods=written.shipping_methods)


def mark(mapping: Mapping, write: Write) -> dict[str, Argument]:
    """The argument that carries the mark, in whichever procedure."""
    return {mapping.gp.mark: stored_mark(write.mark)}


def codes_for(mapping: Mapping, alias: str) -> tuple[str, ...]:
    """The codes a new address may take, the mapping's word (`new`) or PRIMARY first; then one that says what it is for."""
    wanted = mapping.gp.joins[alias].new.get("ADRSCODE", "PRIMARY")
    return tuple(dict.fromkeys([wanted, alias.upper().replace("_", " ")[:15]]))
