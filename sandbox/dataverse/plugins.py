"""Synchronous plug-ins: what rewrites or refuses a row before it is written."""

import re
from collections.abc import Iterable

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Rule
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row


def run_plugins(rules: Iterable[Rule], message: str, table: Table, values: Row, sent: frozenset[str]) -> None:
    """Let the plug-ins of a message rewrite `values` in the columns sent. Raises DataverseError 0x80040265."""
    for rule in rules:
        if rule.table == table.name and rule.column in sent and message in rule.on:
            _apply(rule, values)


def _apply(rule: Rule, values: Row) -> None:
    if rule.do == "refuse":
        raise errors.plugin_threw(rule.text)
    value = values.get(rule.column)
    if not isinstance(value, str):
        return
    ways = {"upper": str.upper, "trim": str.strip, "collapse": _collapsed, "phone": _phone}
    values[rule.column] = ways[rule.do](value) or None


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _phone(text: str) -> str:
    """A North American number in one form, `+1 425-555-0100 x12`; other text as it is."""
    match = re.fullmatch(r"1?(\d{3})(\d{3})(\d{4})(\d*)", re.sub(r"\D", "", text))
    if match is None:
        return text
    return f"+1 {match[1]}-{match[2]}-{match[3]}" + (f" x{match[4]}" if match[4].strip("0") else "")
