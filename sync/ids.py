"""Ids for records that GP shall get, as GP people make them. Pure: the same record is offered the same ids in the same order.

An id is at most 15 characters of letters, digits and what people put between them; eConnect stores it in capitals.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count

from anyascii import anyascii

from sync.errors import Rejected
from sync.expression import Expression
from sync.fault import Fault
from sync.mapping_model import Ids
from sync.value import Value, visible

LENGTH = 15
"""What CUSTNMBR and its like hold."""

# Windows and reports of GP read * ? % " ' and the like as something else than a part of an id.
_ID = re.compile(r"[A-Z0-9](?:[A-Z0-9 ._-]*[A-Z0-9])?")


def candidates(rules: Ids, values: Mapping[str, Value], otherwise: str) -> Iterator[str]:
    """The ids that a record may get, best first, without an end. `otherwise` stands for a name without any letter or digit.

    Raises Rejected when the number or expression gives none: `value_required`, `value_too_long`, `value_invalid`.
    """
    if rules.by == "name":
        return _counted(_letters(str(values.get(rules.attribute) or "")) or _letters(otherwise), rules)
    return _numbered(_checked(_given(rules, values), rules))


def _letters(name: str) -> str:
    """Its letters and digits as A to Z and 0 to 9, in capitals."""
    return re.sub("[^A-Z0-9]", "", anyascii(name).upper())


def _counted(letters: str, rules: Ids) -> Iterator[str]:
    """AARONFIT0001, AARONFIT0002, ...: a longer counter takes its room from the letters."""
    for number in count(1):
        counter = f"{number:0{rules.digits}}"
        yield letters[: min(rules.letters, LENGTH - len(counter))] + counter


def _numbered(first: str) -> Iterator[str]:
    """C1001, C1001-2, C1001-3, ..."""
    yield first
    for number in count(2):
        counter = f"-{number}"
        further = first[: LENGTH - len(counter)] + counter
        if further != first:
            yield further


def _given(rules: Ids, values: Mapping[str, Value]) -> str:
    if rules.expr is None:
        return str(values.get(rules.attribute) or "")
    expression = _parsed(rules.expr)
    try:
        return str(expression.run({path: values.get(path) for path in expression.paths}) or "")
    except Fault as fault:
        raise Rejected(
            f"The GP id can't be made: the record {fault.text}.", code=fault.code, system="dataverse"
        ) from fault


@cache
def _parsed(text: str) -> Expression:
    return Expression(text)


def _checked(given: str, rules: Ids) -> str:
    source = rules.attribute or "the expression of `ids`"
    text = given.strip().upper()
    if not text:
        raise Rejected(f"The GP id can't be made: {source} is empty.", code="value_required", system="dataverse")
    if len(text) > LENGTH:
        text = f"The GP id can't be {visible(text)}: it has {len(text)} characters, GP takes {LENGTH}."
        raise Rejected(text, code="value_too_long", system="dataverse")
    if not _ID.fullmatch(text):
        text = f"The GP id can't be {visible(text)}: only letters A to Z, digits, and blanks . - _ between them are safe there."
        raise Rejected(text, code="value_invalid", system="dataverse")
    return text
