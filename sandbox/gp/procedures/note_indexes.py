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


# procedure -> (number for an unknown company, number for a NULL)
NUMBERS = {"smGetNextNoteIndex": (20081, 20231), "tasmGetNextNoteIndex": (3565, 3564)}


def _procedure(name: str, *block: Parameter) -> Procedure:
    missing, null = NUMBERS[name]

    def body(context: ProcedureContext) -> int:
        company, session = context.args["I_sCompanyID"], context.args["I_iSQLSessionID"]
        size = context.args.get("I_noteincrement", 1)
        state, index = null, None
        if None not in (company, session, size):
            index = notes.take_index(Rows(context), company, int(str(size)))
            state = missing if index is None else 0
        context.outputs.update({"O_mNoteIndex": index, "O_iErrorState": state})
        return state

    return Procedure(name, [*_INPUTS, *_OUTPUTS, *block], body)


PROCEDURES = [
    _procedure("smGetNextNoteIndex"),
    _procedure("tasmGetNextNoteIndex", Parameter("I_noteincrement", SqlType("int"), 1)),
]
