"""The note index allocators of the DYNAMICS database. They have no error list, only a state."""

from sandbox.gp import notes
from sandbox.gp.rows import Rows
from sandbox.gp.tables import SYSTEM
from sandbox.tds.contract import SqlType
from sandbox.tsql.procedures import REQUIRED, Parameter, Procedure, ProcedureContext

DATABASE = SYSTEM
_INPUTS = [Parameter("I_sCompanyID", SqlType("smallint"), None), Parameter("I_iSQLSessionID", SqlType("int"), None)]
_OUTPUTS = [
    Parameter("O_mNoteIndex", SqlType("numeric", precision=19, scale=5), REQUIRED, output=True),
    Parameter("O_iErrorState", SqlType("int"), REQUIRED, output=True),
]


def _take(context: ProcedureContext, by: object, null: int, missing: int) -> int:
    company, session = context.args["I_sCompanyID"], context.args["I_iSQLSessionID"]
    state, index = null, None
    if None not in (company, session, by):
        index = notes.take_index(Rows(context), company, int(str(by)))
        state = missing if index is None else 0
    context.outputs.update({"O_mNoteIndex": index, "O_iErrorState": state})
    return state


def _next(context: ProcedureContext) -> int:
    return _take(context, 1, 20231, 20081)


def _next_block(context: ProcedureContext) -> int:
    return _take(context, context.args["I_noteincrement"], 3564, 3565)


PROCEDURES = [
    Procedure("smGetNextNoteIndex", [*_INPUTS, *_OUTPUTS], _next),
    Procedure(
        "tasmGetNextNoteIndex", [*_INPUTS, *_OUTPUTS, Parameter("I_noteincrement", SqlType("int"), 1)], _next_block
    ),
]
