"""The named converters of a mapping: each turns what GP holds into what Dataverse takes, and back where it can.

A converter never looks at a column's limits (the mapping does, once, for all of them) and never guesses: what it
can't turn it refuses with a `Fault`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sync import to_d365, to_gp
from sync.schema import Kind
from sync.to_d365 import Options
from sync.value import Value

type ToD365 = Callable[[Sequence[Value], Options], Value]
type ToGp = Callable[[Value, Options, Sequence[Value]], Sequence[Value]]


@dataclass(frozen=True)
class Shared:
    """How one column holds several fields: `take` gives what stands at a place, counted from 1; `put` gives the whole
    column with other values at some places.
    """

    take: Callable[[Value, int], Value]
    put: Callable[[Value, Mapping[int, Value]], Value]


@dataclass(frozen=True)
class Converter:
    """`sources` are the kinds of GP columns it reads, `paths` how many (least, most), `targets` the Dataverse types it
    writes, `options` the words of `Options` it heeds. With `keeps_unknown`, a code its look-up lacks stays as it is.
    `shared` belongs to one whose column holds several fields, told apart by `item`.
    """

    name: str
    about: str
    sources: frozenset[Kind]
    targets: frozenset[str]
    to_d365: ToD365
    to_gp: ToGp
    paths: tuple[int, int] = (1, 1)
    options: frozenset[str] = frozenset()
    keeps_unknown: bool = False
    shared: Shared | None = None


_TEXT: frozenset[Kind] = frozenset({"text"})
_NUMBER: frozenset[Kind] = frozenset({"number"})
_TEXTS = frozenset({"String", "Memo"})

CONVERTERS: dict[str, Converter] = {
    each.name: each
    for each in (
        Converter("trim", "Text without blanks around it; blank is empty.", _TEXT, _TEXTS, to_d365.trim, to_gp.text),
        Converter(
            "lines",
            "Several texts, each on its line; blank ones left out.",
            _TEXT,
            _TEXTS,
            to_d365.lines,
            to_gp.lines,
            paths=(1, 9),
        ),
        Converter(
            "phone",
            "A phone number for people and diallers; what isn't surely understood stays as typed.",
            _TEXT,
            frozenset({"String"}),
            to_d365.phone,
            to_gp.phone,
            options=frozenset({"region", "format"}),
        ),
        Converter(
            "email",
            "One e-mail address (`item`: which one) of a list separated by semicolons.",
            _TEXT,
            frozenset({"String"}),
            to_d365.email,
            to_gp.email,
            options=frozenset({"item"}),
            shared=Shared(to_d365.take_address, to_gp.put_addresses),
        ),
        Converter(
            "country",
            "A country as text; with a look-up, known spellings become one, others stay as typed.",
            _TEXT,
            frozenset({"String"}),
            to_d365.trim,
            to_gp.text,
            keeps_unknown=True,
        ),
        Converter(
            "money",
            "An exact amount, never rounded.",
            frozenset({"amount", "number"}),
            frozenset({"Money", "Decimal", "Double"}),
            to_d365.money,
            to_gp.amount,
        ),
        Converter(
            "number",
            "A whole number.",
            frozenset({"number", "amount"}),
            frozenset({"Integer"}),
            to_d365.number,
            to_gp.number,
        ),
        Converter("flag", "1 is yes, 0 is no.", _NUMBER, frozenset({"Boolean"}), to_d365.flag, to_gp.flag),
        Converter("not_flag", "0 is yes, 1 is no.", _NUMBER, frozenset({"Boolean"}), to_d365.not_flag, to_gp.not_flag),
        Converter(
            "state",
            "1 (inactive) is state 1, 0 is state 0 (active).",
            _NUMBER,
            frozenset({"State"}),
            to_d365.state,
            to_gp.number,
        ),
        Converter(
            "option",
            "A choice: the number itself, or through a look-up from a code.",
            frozenset({"number", "text"}),
            frozenset({"Picklist", "Status"}),
            to_d365.number,
            to_gp.number,
        ),
        Converter(
            "date",
            "A date without a time; 1900-01-01 is empty.",
            frozenset({"date"}),
            frozenset({"DateTime"}),
            to_d365.day,
            to_gp.date,
        ),
        Converter(
            "credit_limit",
            "GP's limit type and amount: none is 0, unlimited is empty, else the amount.",
            frozenset({"number", "amount"}),
            frozenset({"Money"}),
            to_d365.credit_limit,
            to_gp.credit_limit,
            paths=(2, 2),
        ),
    )
}
