"""Arguments of a call, bound to the parameters that a procedure or sp_executesql declares."""

from collections.abc import Mapping, Sequence

from sandbox.tds.contract import SqlError, SqlType
from sandbox.tsql.errors import error
from sandbox.tsql.parser import BatchParser
from sandbox.tsql.procedures import REQUIRED, Parameter, Procedure
from sandbox.tsql.state import Variable
from sandbox.tsql.values import convert, source_name

Value = tuple[object, SqlType | None]
_ARGUMENT_CONVERSIONS = {220, 241, 242, 244, 245, 248}


def by_name(arguments: Sequence[tuple[str | None, Value | None]], names: Sequence[str]) -> dict[str, object]:
    return {(name or names[n]).lower(): value[0] if value else None for n, (name, value) in enumerate(arguments)}


def declarations(text: str) -> dict[str, tuple[SqlType, bool]]:
    """The parameters sp_executesql is told of: "@a int, @b varchar(9) OUTPUT"."""
    reader = BatchParser(text)
    found: dict[str, tuple[SqlType, bool]] = {}
    while not reader.done:
        name = reader.variable()
        reader.take("AS")
        kind = reader.type()
        found[name] = (kind, reader.take("OUTPUT") or reader.take("OUT"))
        if not reader.take(","):
            break
    return found


def bind_declared(
    declared: Mapping[str, tuple[SqlType, bool]], arguments: Sequence[tuple[str | None, Value | None]], text: str
) -> dict[str, Variable]:
    """The variables that sp_executesql gives the statement `text`. SqlError 8145, 8178."""
    variables: dict[str, Variable] = {name: Variable(kind) for name, (kind, _) in declared.items()}
    places, given = list(declared), set()
    for ordinal, (name, value) in enumerate(arguments):
        key = f"@{name.lower()}" if name else places[ordinal] if ordinal < len(places) else ""
        if key not in variables:
            raise error(8145, "sp_executesql", f"@{name}") if name else error(8144, "sp_executesql")
        given.add(key)
        content, kind = value if value else (None, None)
        variables[key].value = convert(content, variables[key].type, kind)
    missing = next((name for name in places if name not in given), None)
    if missing:
        raise error(8178, text[:50], missing)
    return variables


def bind_arguments(procedure: Procedure, arguments: Sequence[tuple[str | None, Value | None]]) -> dict[str, object]:
    """Values by declared name, converted to the parameters' types."""
    parameters = list(procedure.parameters)
    given: dict[str, Value] = {}
    seen: set[str] = set()
    for ordinal, (name, value) in enumerate(arguments):
        parameter = _parameter(procedure, parameters, ordinal, name)
        if parameter.name in seen:
            raise error(8143, f"@{name or parameter.name}")
        seen.add(parameter.name)
        if value is not None:
            given[parameter.name] = value
    values = {}
    for parameter in parameters:
        if parameter.name in given:
            value, kind = given[parameter.name]
            values[parameter.name] = _converted(value, parameter.type, kind)
        elif parameter.default is REQUIRED:
            raise error(201, procedure.name, parameter.name)
        else:
            values[parameter.name] = convert(parameter.default, parameter.type, None)
    return values


def _converted(value: object, kind: SqlType, source: SqlType | None) -> object:
    """An argument as its parameter's type. What has another number elsewhere (220, 241, 245 ...) is 8114 here."""
    try:
        return convert(value, kind, source)
    except SqlError as raised:
        if raised.number not in _ARGUMENT_CONVERSIONS:
            raise
        raise error(8114, source_name(value, source), kind.name) from raised


def _parameter(procedure: Procedure, parameters: Sequence[Parameter], ordinal: int, name: str | None) -> Parameter:
    if name is not None:
        found = next((p for p in parameters if p.name.lower() == name.lower()), None)
        if found is None:
            raise error(8145, procedure.name, f"@{name}")
        return found
    if ordinal >= len(parameters):
        raise error(8144 if parameters else 8146, procedure.name)
    return parameters[ordinal]
