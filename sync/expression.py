"""JSONata expressions of a mapping (`when`, `expr`): read once, run per record over the values a mapping reads."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from jsonata import jsonata

from sync.fault import Fault
from sync.value import Value


class Expression:
    """A parsed expression. Columns are named as in a mapping: `CUSTNAME`, `bill_to.CITY`.

    Raises ValueError, with JSONata's own words, when the text does not parse.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._program = jsonata.Jsonata(text)
        except Exception as error:  # the library raises whatever its parser stumbles on
            raise ValueError(f"is no JSONata expression: {error}") from error
        self.paths = tuple(dict.fromkeys(_paths(self._program.ast)))

    def run(self, values: Mapping[str, Value]) -> Value:
        """The result over the columns it names, out of `values` by path. Raises Fault when it fails or gives no
        single value.
        """
        return _value(self._evaluate(values), self.text)

    def run_all(self, values: Mapping[str, Value]) -> list[Value]:
        """The results, of which there may be none or several. Raises Fault as `run`."""
        result = self._evaluate(values)
        results = result if isinstance(result, list) else [result]
        return [_value(each, self.text) for each in results if each is not None]

    def _evaluate(self, values: Mapping[str, Value]) -> Any:
        document = _document({path: values[path] for path in self.paths})
        try:
            return self._program.evaluate(document)
        except Exception as error:  # the library raises whatever Python raises inside an expression
            raise Fault("value_invalid", f"makes {self.text} fail: {error}") from error


def _paths(node: Any) -> Iterator[str]:
    """The columns an expression names: each JSONata path whose first step is a name, as far as names go."""
    if getattr(node, "type", None) == "path" and node.steps[0].type == "name":
        yield ".".join(str(step.value) for step in node.steps[:2] if step.type == "name")
    for part in vars(node).values():
        for child in part if isinstance(part, list) else [part]:
            for each in child if isinstance(child, list) else [child]:
                if hasattr(each, "type") and hasattr(each, "__dict__"):
                    yield from _paths(each)


def _document(values: Mapping[str, Value]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, value in values.items():
        if value is not None:
            alias, _, column = path.rpartition(".")
            (document.setdefault(alias, {}) if alias else document)[column] = _json(path, value)
    return document


def _json(path: str, value: Value) -> Any:
    """JSONata counts in binary floating point, so an amount that would change on the way is refused."""
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite() or Decimal(repr(float(value))) != value:
        raise Fault("value_invalid", f"has too many digits for an expression ({path})")
    return int(value) if value == value.to_integral_value() else float(value)


def _value(result: Any, text: str) -> Value:
    if isinstance(result, float):
        return int(result) if result.is_integer() else Decimal(repr(result))
    if result is None or isinstance(result, str | int):
        return result
    raise Fault("value_invalid", f"makes {text} give a list or an object, not one value")
