"""A mapping's fields: each is checked against both sides and made ready to run."""

import math
from collections.abc import Iterator
from dataclasses import replace

from sync import limits
from sync.convert import MappedField
from sync.converters import CONVERTERS, Converter
from sync.expression import Expression
from sync.fault import Fault
from sync.keys import canonical
from sync.mapping_checks import parse, resolve, target, write
from sync.mapping_file import MappingFault, Where
from sync.mapping_model import FieldRule, PairRules, Plain
from sync.schema import Attribute, GpColumn, Parameter, UnknownName, did_you_mean
from sync.to_d365 import Options

_OPTION_WORDS = ("region", "format", "item")


class _Wrong(Exception):
    """The field can't be made; `word` is the line of the field it is about."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word = word


def build_fields(rules: PairRules) -> tuple[list[MappedField], list[MappingFault]]:
    """The fields that are well and every fault of the others."""
    fields: list[MappedField] = []
    faults = [*_doubles(rules)]
    for index, rule in enumerate(rules.fields):
        try:
            field = _build(rules, rule)
        except _Wrong as wrong:
            faults.append(MappingFault(("fields", index, wrong.word), str(wrong)))
            continue
        fields.append(field)
        faults += [MappingFault(("fields", index, word), text) for word, text in _check(rules, field)]
        faults += list(_check_table(rules, field))
    faults += list(_check_shared(rules, fields))
    return fields, faults


def _doubles(rules: PairRules) -> Iterator[MappingFault]:
    seen = {rules.dataverse.id, rules.dataverse.key, rules.dataverse.mark}
    for index, rule in enumerate(rules.fields):
        if rule.dataverse in seen:
            yield MappingFault(("fields", index, "dataverse"), f"{rule.dataverse} is filled already")
        seen.add(rule.dataverse)
    for name, table in rules.lookups.items():
        codes = set[str]()
        for code in table:
            if canonical(code) in codes:
                yield MappingFault(("lookups", name, code), "the code stands twice; GP ignores case")
            codes.add(canonical(code))


def _build(rules: PairRules, rule: FieldRule) -> MappedField:
    attribute = _target(rules, rule)
    expr, when = _expression(rules, rule, "expr"), _expression(rules, rule, "when")
    for path in rule.paths:
        _column(rules, path, "gp")
    if rule.lookup is not None and rule.lookup not in rules.lookups:
        raise _Wrong("lookup", f"there is no look-up {rule.lookup}{did_you_mean(rule.lookup, rules.lookups)}")
    table = rules.lookups[rule.lookup] if rule.lookup else {}
    field = MappedField(
        rule=rule,
        attribute=attribute,
        converter=_converter(rule, attribute),
        options=_options(rules, rule),
        table={canonical(code): value for code, value in table.items()},
        side=rule.one_way or rules.one_way,
        expr=expr,
        when=when,
        meets="newest" if rules.first_sync == "newest" else "owner",
        codes={canonical(code): code for code in table},
    )
    return replace(field, writes=_writes(rules, rule), back=_back(rules, rule)) if field.returns else field


def _writes(rules: PairRules, rule: FieldRule) -> dict[str, Parameter]:
    """How each column of the way back is written."""
    if rule.expr and not rule.back:
        raise _Wrong("expr", "there is no way back: write `back`, or `one_way: gp`")
    return {path: _write(rules, path, "back" if rule.expr else "gp") for path in rule.back or rule.paths}


def _write(rules: PairRules, path: str, word: str) -> Parameter:
    _column(rules, path, word)
    try:
        return write(rules.gp, path)
    except UnknownName as error:
        raise _Wrong(word, f"{error}: write `one_way: gp`") from error


def _back(rules: PairRules, rule: FieldRule) -> dict[str, Expression]:
    try:
        return {path: parse(rules.dataverse, text) for path, text in rule.back.items()}
    except ValueError as error:
        raise _Wrong("back", str(error)) from error


def _target(rules: PairRules, rule: FieldRule) -> Attribute:
    try:
        attribute = target(rules.dataverse, rule.dataverse)
    except UnknownName as error:
        raise _Wrong("dataverse", str(error)) from error
    if attribute.read_only:
        raise _Wrong("dataverse", f"{attribute.name} can't be written")
    return attribute


def _expression(rules: PairRules, rule: FieldRule, word: str) -> Expression | None:
    text: str | None = getattr(rule, word)
    if text is None:
        return None
    try:
        expression = Expression(text)
    except ValueError as error:
        raise _Wrong(word, str(error)) from error
    for path in expression.paths:
        _column(rules, path, word)
    return expression


def _column(rules: PairRules, path: str, word: str) -> GpColumn:
    try:
        return resolve(rules.gp, path)
    except UnknownName as error:
        raise _Wrong(word, str(error)) from error


def _converter(rule: FieldRule, attribute: Attribute) -> Converter:
    name = rule.converter or ("option" if attribute.type in {"Picklist", "Status"} else "trim")
    if name not in CONVERTERS:
        raise _Wrong("converter", f"there is no converter {name}{did_you_mean(name, CONVERTERS)}")
    if attribute.type not in CONVERTERS[name].targets:
        fit = ", ".join(each.name for each in CONVERTERS.values() if attribute.type in each.targets)
        raise _Wrong("converter", f"{name} can't fill {attribute.name} ({attribute.type}); {_these_can(fit)}")
    return CONVERTERS[name]


def _these_can(fit: str) -> str:
    return f"these can: {fit}" if fit else "no converter can"


def _options(rules: PairRules, rule: FieldRule) -> Options:
    given = {word: getattr(rule, word) for word in _OPTION_WORDS}
    return Options(**{"region": rules.region} | {word: value for word, value in given.items() if value is not None})


def _check(rules: PairRules, field: MappedField) -> Iterator[tuple[str, str]]:
    """What is wrong with a field whose names are all right: the word it is about and a text."""
    rule, converter = field.rule, field.converter
    columns = [resolve(rules.gp, path) for path in rule.paths]
    least, most = converter.paths
    if not field.expr and not least <= len(columns) <= most:
        yield "gp", f"{converter.name} takes {least if least == most else f'{least} to {most}'} column(s)"
    yield from _check_kinds(rule, converter, columns)
    if field.attribute.type == "DateTime" and not field.attribute.date_only:
        yield "dataverse", f"{field.attribute.name} holds a time, GP's dates have none"
    for word in _OPTION_WORDS:
        if getattr(rule, word) is not None and word not in converter.options:
            yield word, f"{converter.name} has no option {word}"
    if rule.edits and not field.one_way:
        yield "edits", "belongs to a one-way field; of one that goes both ways every edit counts"
    if field.side and rule.owner != field.side and "owner" in rule.model_fields_set:
        yield "owner", f"a one-way field always takes the value of its source, {field.side}"
    yield from _check_length(field, columns)
    yield from _check_default(field)


def _check_kinds(rule: FieldRule, converter: Converter, columns: list[GpColumn]) -> Iterator[tuple[str, str]]:
    for column in columns:
        if rule.lookup and column.kind not in {"text", "number"}:
            yield "lookup", f"{column.name}, a {column.type}, holds no codes"
        elif not rule.lookup and column.kind not in converter.sources:
            yield "converter", f"{converter.name} can't read {column.name}, a {column.type}"


def _check_length(field: MappedField, columns: list[GpColumn]) -> Iterator[tuple[str, str]]:
    """A char column is measured with its padding; what people can type is often one less."""
    most = field.attribute.max_length
    if most is None:
        if field.rule.too_long:
            yield "too_long", f"{field.attribute.name} is no text"
        return
    lengths = [math.inf if column.length is None else column.length for column in columns]
    length = sum(lengths) + max(len(lengths) - 1, 0)
    if length > most and not field.rule.too_long and not field.rule.lookup:
        known = "any length" if length == math.inf else f"{length} characters"
        yield "gp", f"{known} may not fit {field.attribute.name} ({most}): write `too_long: refuse` or `truncate`"


def _check_default(field: MappedField) -> Iterator[tuple[str, str]]:
    try:
        limits.check(field.rule.default, field.attribute)
    except Fault as fault:
        yield "default", f"{field.rule.default!s} {fault.text}"


def _check_shared(rules: PairRules, fields: list[MappedField]) -> Iterator[MappingFault]:
    """Two fields may write one column only where that holds several, told apart by `item`."""
    lines = {rule.dataverse: index for index, rule in enumerate(rules.fields)}
    for number, field in enumerate(fields):
        for other in fields[:number]:
            if path := _clash(field, other):
                text = f"{path} is written from {other.name} already: write `one_way: gp` at one of them"
                yield MappingFault(("fields", lines[field.name], "back" if field.expr else "gp"), text)


def _clash(field: MappedField, other: MappedField) -> str | None:
    apart = field.converter.shared and other.converter.shared and field.options.item != other.options.item
    return None if apart else next((path for path in field.writes if path in other.writes), None)


def _check_table(rules: PairRules, field: MappedField) -> Iterator[MappingFault]:
    name = field.rule.lookup
    for code, value in rules.lookups[name].items() if name else ():
        where: Where = ("lookups", str(name), code)
        try:
            limits.check(_converted(field, value), field.attribute)
        except Fault as fault:
            yield MappingFault(where, fault.text)


def _converted(field: MappedField, value: Plain) -> Plain:
    result = field.converter.to_d365([value], field.options)
    return value if result is None else result  # type: ignore[return-value]
