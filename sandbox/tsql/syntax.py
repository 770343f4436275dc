"""Finds the syntax errors of a batch's queries and expressions before its first statement runs."""

from contextlib import suppress
from functools import lru_cache

from sandbox.tsql.dialect import parse_condition, parse_query, parse_sources, parse_value
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.heads import Head, HeadReader, text_of
from sandbox.tsql.lexer import tokens


@lru_cache(maxsize=5000)
def check_query(verb: str, text: str) -> None:
    """SqlError 102 when the statement is none. What is merely not imitated is refused when it is reached."""
    with suppress(Unsupported):
        if verb == "SELECT":
            parse_query(text)
        else:
            _check_write(HeadReader(tokens(text), text).read())


@lru_cache(maxsize=5000)
def check_expression(text: str, *, condition: bool) -> None:
    """SqlError 102 when the text is no expression, or no condition."""
    with suppress(Unsupported):
        (parse_condition if condition else parse_value)(text)


def _check_write(head: Head) -> None:
    if head.source.upper().startswith("VALUES"):
        parse_query(f"SELECT 1 AS x FROM ({head.source}) AS v")
    elif head.verb == "INSERT" and head.source:
        parse_query(head.source)
    elif head.source:
        parse_sources(head.source, head.where)
    elif head.where:
        parse_condition(head.where)
    if head.output:
        parse_query(f"SELECT {head.output}")
    for run in head.assignments:
        at = next((n for n, token in enumerate(run) if token.text.endswith("=")), 0)
        value = run[at + 1 :]
        if not value:
            raise error(102, run[-1].text)
        # UPDATE t SET @v = n = n + 1 is two assignments in one.
        if value[0].up != "DEFAULT" and run[0].kind != "var":
            parse_value(text_of(value))
