"""The call contract that every eConnect procedure keeps: inputs, error numbers, Pre and Post, outputs.

A procedure is a `Node`: what is said once here (NULL checks, upper-casing, collecting error numbers, Pre and Post)
is not said again in `procedures/`. Nothing here begins, commits or rolls back: rows written before an error stay
in the caller's transaction until the caller rolls back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox.gp.rows import Rows
from sandbox.tds.contract import SqlType
from sandbox.tsql.catalog import sql_type
from sandbox.tsql.procedures import REQUIRED, Parameter, Procedure, ProcedureContext
from sandbox.tsql.values import upper

_FILE = Path(__file__).parent / "data" / "gp-econnect.json"
_PASSED_THROUGH = {f"USRDEFND{n}": ("char(50)" if n < 4 else "varchar(8000)", None) for n in range(1, 6)}
_STATE, _LIST = "O_iErrorState", "oErrString"
_LIST_LENGTH = 255


class Stop(Exception):
    """The call ends here with the numbers collected so far."""


@dataclass(frozen=True)
class Node:
    """One eConnect procedure: `run` does its work, `null` is its number for a NULL where a value is due."""

    name: str
    run: Callable[["Call"], None]
    null: int
    pre_failed: int
    post_failed: int
    upper: tuple[str, ...] = ()


class Call:
    """One call of a node: its arguments without the `@I_v` prefix, the company's rows, the numbers found so far.

    Text arguments come without trailing blanks, identifiers in upper case; NULL is None.
    """

    def __init__(self, node: Node, given: Mapping[str, object], rows: Rows) -> None:
        self.node = node
        self.args = {name: _cleaned(node, name, value) for name, value in given.items()}
        self.rows = rows
        self.errors: list[int] = []

    @property
    def state(self) -> int:
        return self.errors[-1] if self.errors else 0

    @property
    def error_list(self) -> str:
        return "".join(f" {number}" for number in self.errors)[:_LIST_LENGTH]

    def check(self, holds: object, number: int) -> None:
        """List `number` when the rule doesn't hold; the call goes on to its other checks."""
        if not holds:
            self.errors.append(number)

    def require(self, holds: object, number: int) -> None:
        """End the call with `number` when the rule doesn't hold."""
        self.check(holds, number)
        if not holds:
            raise Stop

    def settle(self) -> None:
        """End the call when a check before this line failed."""
        if self.errors:
            raise Stop

    def given(self, *names: str) -> dict[str, object]:
        """The arguments among `names` that were supplied, that is, are not NULL."""
        return {name: self.args[name] for name in names if self.args[name] is not None}

    def nested(self, node: Node, **arguments: object) -> int:
        """Run another node in the same transaction; its numbers are listed before ours. Returns its state."""
        call = Call(node, _defaults(node.name) | arguments, self.rows)
        run(call)
        self.errors[:0] = call.errors
        return call.state


def run(call: Call) -> None:
    """Run Pre, the node, Post. Afterwards `call.errors` holds every number; the last one is the state."""
    node = call.node
    try:
        _customised(call, "Pre", node.pre_failed)
        for name, default in _defaults(node.name).items():
            call.require(default is None or call.args[name] is not None, node.null)
        node.run(call)
        call.settle()
        _customised(call, "Post", node.post_failed)
    except Stop:
        return


def _customised(call: Call, stage: str, failed: int) -> None:
    """Run the partner's Pre or Post, if the catalogue holds one (`custom`); Pre may change the arguments.

    As installed these procedures are empty, so none in the catalogue is the same as an empty one.
    """
    context, name = call.rows.context, call.node.name + stage
    if not context.has_procedure(name):
        return
    given = {f"I_v{field}": value for field, value in call.args.items()}
    returned, outputs = context.call(name, given | {_STATE: 0, _LIST: ""})
    if stage == "Pre":
        changed = {field: outputs.get(f"I_v{field}", value) for field, value in call.args.items()}
        call.args = {field: _cleaned(call.node, field, value) for field, value in changed.items()}
    if returned or outputs[_STATE]:
        call.errors += [int(number) for number in str(outputs[_LIST] or "").split()]
        call.require(False, failed)


def procedure(node: Node) -> Procedure:
    """The node as a procedure that company catalogues can hold."""

    def body(context: ProcedureContext) -> int:
        given = {field: context.args[f"I_v{field}"] for field in parameters(node.name)}
        call = Call(node, given, Rows(context))
        run(call)
        context.outputs.update({_STATE: call.state, _LIST: call.error_list})
        return call.state

    inputs = [
        Parameter(f"I_v{field}", sql_type(kind), default[0] if default else REQUIRED)
        for field, (kind, *default) in parameters(node.name).items()
    ]
    return Procedure(node.name, [*inputs, *_state_and_list()], body)


def custom(node: Node, stage: str, body: Callable[[ProcedureContext], int | None] | str) -> Procedure:
    """A partner's `taXPre` or `taXPost` (`stage` "Pre" or "Post") with `body`, a Python function or T-SQL."""
    inputs = [
        Parameter(f"I_v{field}", sql_type(kind), None, output=stage == "Pre")
        for field, (kind, *_) in parameters(node.name).items()
    ]
    return Procedure(node.name + stage, [*inputs, *_state_and_list()], body)


def _state_and_list() -> list[Parameter]:
    return [
        Parameter(_STATE, SqlType("int"), REQUIRED, output=True),
        Parameter(_LIST, SqlType("varchar", _LIST_LENGTH), REQUIRED, output=True),
    ]


@cache
def parameters(name: str) -> dict[str, tuple[object, ...]]:
    """Input field -> (type,) when it must be passed, (type, default) otherwise; default None is "not supplied"."""
    declared = json.loads(_FILE.read_text())[name]
    return {field: (kind, *map(_literal, default)) for field, (kind, *default) in declared.items()} | _PASSED_THROUGH


def _defaults(name: str) -> dict[str, object]:
    return {field: default[0] for field, (_, *default) in parameters(name).items() if default}


def _literal(text: str) -> object:
    return {"null": None, "''": ""}[text] if text in ("null", "''") else int(text)


def _cleaned(node: Node, field: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.rstrip(" ")
    return upper(text) if field in node.upper else text
