"""ASP.NET Core route templates, the part that Functions routes use."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.host.errors import HostError, UnknownToHost

_SEGMENT = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<rules>(?::[^=?{}]+)*)(?:=(?P<default>[^}]*))?(?P<opt>\??)\}"
)
_RULE = re.compile(r":(\w+)(?:\(([^)]*)\))?")


def _is(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def test(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return True

    return test


def _whole(bits: int) -> Callable[[str], bool]:
    return lambda text: (
        re.fullmatch(r"[+-]?\d+", text) is not None and -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1)
    )


_PLAIN: dict[str, Callable[[str], bool]] = {
    "int": _whole(32),
    "long": _whole(64),
    "bool": lambda text: text.lower() in ("true", "false"),
    "guid": _is(uuid.UUID),
    "datetime": _is(datetime.fromisoformat),
    "decimal": _is(float),
    "double": _is(float),
    "float": _is(float),
    "alpha": lambda text: re.fullmatch(r"[a-zA-Z]*", text) is not None,
    "required": bool,
}
_MEASURED: dict[str, Callable[[str, list[int]], bool]] = {
    "length": lambda text, n: n[0] <= len(text) <= n[-1],
    "minlength": lambda text, n: len(text) >= n[0],
    "maxlength": lambda text, n: len(text) <= n[0],
    "min": lambda text, n: _PLAIN["long"](text) and int(text) >= n[0],
    "max": lambda text, n: _PLAIN["long"](text) and int(text) <= n[0],
    "range": lambda text, n: _PLAIN["long"](text) and n[0] <= int(text) <= n[-1],
}


@dataclass(frozen=True)
class _Part:
    """One segment of a template: a literal, or a parameter with its rules."""

    literal: str = ""
    name: str = ""
    catch_all: bool = False
    optional: bool = False
    default: str | None = None
    rules: tuple[Callable[[str], bool], ...] = ()

    @property
    def rank(self) -> int:
        """The order in which templates are tried: literals, constrained, free, catch-all."""
        return 0 if self.literal else 3 if self.catch_all else 1 if self.rules else 2


class Route:
    """A template such as `orders/{id:int?}`.

    Raises HostError for one that can't be read, UnknownToHost for a constraint not imitated.
    """

    def __init__(self, template: str, function: str) -> None:
        self._parts = [_part(text, function) for text in template.strip("/").split("/")] if template else []
        self.rank = [part.rank for part in self._parts]

    def match(self, path: str) -> dict[str, str] | None:
        """The route values of `path` (decoded, without prefix), or None; literals match in any case."""
        segments = [segment for segment in path.strip("/").split("/") if segment]
        values: dict[str, str] = {}
        for number, part in enumerate(self._parts):
            if part.catch_all:
                segments[number:] = ["/".join(segments[number:])] if segments[number:] else []
            text = segments[number] if number < len(segments) else part.default
            if text is None:
                if not (part.optional or part.catch_all):
                    return None
            elif not _fits(part, text):
                return None
            elif part.name:
                values[part.name] = text
        return values if len(segments) <= len(self._parts) else None


def _fits(part: _Part, text: str) -> bool:
    if part.literal:
        return part.literal.lower() == text.lower()
    return all(rule(text) for rule in part.rules)


def _part(text: str, function: str) -> _Part:
    if "{" not in text:
        return _Part(literal=text)
    match = _SEGMENT.fullmatch(text)
    if not match:
        raise UnknownToHost("the route segment", f"{text} (function {function})")
    rules = tuple(_rule(name, argument, function) for name, argument in _RULE.findall(match["rules"]))
    return _Part(
        name=match["name"],
        catch_all=bool(match["star"]),
        optional=bool(match["opt"]),
        default=match["default"],
        rules=rules,
    )


def _rule(name: str, argument: str, function: str) -> Callable[[str], bool]:
    if name in _PLAIN and not argument:
        return _PLAIN[name]
    if name == "regex":
        pattern = re.compile(argument, re.IGNORECASE)
        return lambda text: pattern.search(text) is not None
    if name in _MEASURED:
        try:
            numbers = [int(each) for each in argument.split(",")]
        except ValueError:
            raise HostError(f"function {function}: the route constraint {name}({argument})") from None
        return lambda text: _MEASURED[name](text, numbers)
    raise UnknownToHost("the route constraint", f"{name} (function {function})")
