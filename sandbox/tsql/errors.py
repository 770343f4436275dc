"""SQL Server's errors: their numbers, texts and what each does to the batch; and PostgreSQL's, turned into them."""

import re
from enum import Enum

import psycopg

from sandbox.tds.contract import SqlError

TEXTS: dict[int, tuple[int, str]] = {
    102: (15, "Incorrect syntax near '{0}'."),
    105: (15, "Unclosed quotation mark after the character string '{0}'."),
    134: (15, "The variable name '{0}' has already been declared. Variable names must be unique within a query batch or stored procedure."),
    137: (15, 'Must declare the scalar variable "{0}".'),
    156: (15, "Incorrect syntax near the keyword '{0}'."),
    195: (15, "'{0}' is not a recognized built-in function name."),
    174: (15, "The {0} function requires {1} argument(s)."),
    201: (16, "Procedure or function '{0}' expects parameter '@{1}', which was not supplied."),
    206: (16, "Operand type clash: {0} is incompatible with {1}"),
    207: (16, "Invalid column name '{0}'."),
    208: (16, "Invalid object name '{0}'."),
    209: (16, "Ambiguous column name '{0}'."),
    213: (16, "Column name or number of supplied values does not match table definition."),
    109: (15, "There are more columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement."),
    110: (15, "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement."),
    220: (16, "Arithmetic overflow error for data type {0}, value = {1}."),
    229: (14, "The {0} permission was denied on the object '{1}', database '{2}', schema '{3}'."),
    241: (16, "Conversion failed when converting date and/or time from character string."),
    242: (16, "The conversion of a {0} data type to a datetime data type resulted in an out-of-range value."),
    245: (16, "Conversion failed when converting the {0} value '{1}' to data type {2}."),
    248: (16, "The conversion of the {0} value '{1}' overflowed an int column."),
    257: (16, "Implicit conversion from data type {0} to {1} is not allowed. Use the CONVERT function to run this query."),
    262: (14, "{0} permission denied in database '{1}'."),
    266: (16, "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous count = {0}, current count = {1}."),
    306: (16, "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator."),
    334: (16, "The target table '{0}' of the DML statement cannot have any enabled triggers if the statement contains an OUTPUT clause without INTO clause."),
    402: (16, "The data types {0} and {1} are incompatible in the {2} operator."),
    515: (16, "Cannot insert the value NULL into column '{0}', table '{1}'; column does not allow nulls. {2} fails."),
    544: (16, "Cannot insert explicit value for identity column in table '{0}' when IDENTITY_INSERT is set to OFF."),
    547: (16, 'The {0} statement conflicted with the CHECK constraint "{1}". The conflict occurred in database "{2}", table "{3}".'),
    628: (16, "Cannot issue SAVE TRANSACTION when there is no active transaction."),
    911: (16, "Database '{0}' does not exist. Make sure that the name is entered correctly."),
    916: (14, 'The server principal "{0}" is not able to access the database "{1}" under the current security context.'),
    1205: (13, "Transaction (Process ID {0}) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction."),
    1222: (16, "Lock request time out period exceeded."),
    1934: (16, "{0} failed because the following SET options have incorrect settings."),
    2601: (14, "Cannot insert duplicate key row in object '{0}' with unique index '{1}'. The duplicate key value is ({2})."),
    2627: (14, "Violation of PRIMARY KEY constraint '{1}'. Cannot insert duplicate key in object '{0}'. The duplicate key value is ({2})."),
    2714: (16, "There is already an object named '{0}' in the database."),
    2812: (16, "Could not find stored procedure '{0}'."),
    3609: (16, "The transaction ended in the trigger. The batch has been aborted."),
    3621: (0, "The statement has been terminated."),
    3701: (11, "Cannot drop the table '{0}', because it does not exist or you do not have permission."),
    3902: (16, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."),
    3903: (16, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."),
    3930: (16, "The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction."),
    3931: (16, "The current transaction cannot be committed and cannot be rolled back to a savepoint. Roll back the entire transaction."),
    3952: (16, "Snapshot isolation transaction failed accessing database '{0}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation."),
    3960: (16, "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access table '{0}' directly or indirectly in database '{1}' to update, delete, or insert the row that has been modified or deleted by another transaction. Retry the transaction or change the isolation level for the update/delete statement."),
    3998: (16, "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back."),
    4060: (11, 'Cannot open database "{0}" requested by the login. The login failed.'),
    4104: (16, 'The multi-part identifier "{0}" could not be bound.'),
    6401: (16, "Cannot roll back {0}. No transaction or savepoint of that name was found."),
    8102: (16, "Cannot update identity column '{0}'."),
    8114: (16, "Error converting data type {0} to {1}."),
    8115: (16, "Arithmetic overflow error converting {0} to data type {1}."),
    8120: (16, "Column '{0}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause."),
    8134: (16, "Divide by zero error encountered."),
    8143: (16, "Parameter '{0}' was supplied multiple times."),
    8144: (16, "Procedure or function {0} has too many arguments specified."),
    8145: (16, "{1} is not a parameter for procedure {0}."),
    8146: (16, "Procedure {0} has no parameters and arguments were supplied."),
    8152: (16, "String or binary data would be truncated."),
    8169: (16, "Conversion failed when converting from a character string to uniqueidentifier."),
    8178: (16, "The parameterized query '{0}' expects the parameter '{1}', which was not supplied."),
    8624: (16, "Internal Query Processor Error: The query processor could not produce a query plan. For more information, contact Customer Support Services."),
    10738: (15, "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row values."),
    10704: (15, "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW statement inside a CATCH block, or add error parameters to the THROW statement."),
    13608: (16, "Property cannot be found on the specified JSON path."),
    13609: (16, "JSON text is not properly formatted. Unexpected character '{0}' is found at position {1}."),
    18456: (14, "Login failed for user '{0}'."),
    22105: (16, "Change tracking is not enabled on table '{0}'."),
}  # fmt: skip


def error(number: int, *args: object, state: int = 1) -> SqlError:
    """The error `number` with its usual text and severity."""
    severity, text = TEXTS[number]
    return SqlError(number, text.format(*args), severity, state)


class Effect(Enum):
    """What an error outside TRY does when XACT_ABORT is OFF."""

    STATEMENT = "the statement is undone, the batch goes on"
    BATCH = "the batch ends, the transaction stays open"
    ROLLBACK = "the batch ends and the transaction is rolled back"


# tsql-observed.md 1.3, its "doc:" column where the observed engine differs from SQL Server.
_ROLLBACK = {241, 242, 245, 248, 1205, 3609, 3930, 3952, 3960, 8114, 8169, 13608, 13609}
_BATCH = {207, 208, 209, 213, 4104, 195, 102, 137, 156, 174, 206, 257, 306, 402, 911, 8120, 544, 8102, 334, 8624}
# Found while a statement is compiled, so a TRY in the same batch or procedure cannot catch them.
COMPILE_TIME = {207, 208, 209, 213, 4104}


class Thrown(SqlError):
    """THROW's error: it ends the batch whatever its number."""


class Raiserror(SqlError):
    """RAISERROR's error: XACT_ABORT does not apply to it."""


def effect(raised: SqlError) -> Effect:
    if isinstance(raised, Thrown):
        return Effect.BATCH
    if raised.number in _ROLLBACK:
        return Effect.ROLLBACK
    return Effect.BATCH if raised.number in _BATCH else Effect.STATEMENT


class Unsupported(Exception):
    """T-SQL that SQL Server would run and this engine does not: refused and listed as a gap."""


_KEY_VALUE = re.compile(r"\((.*?)\)=\((.*)\)", re.DOTALL)


def from_postgres(raised: psycopg.Error, verb: str, spid: int, name_of: "NameOf") -> SqlError:
    """PostgreSQL's error as SQL Server's; `verb` is the failing statement's, `name_of(schema, relation)` spells names."""
    state, diag = raised.sqlstate or "", raised.diag
    if state == "MSSQL":
        return SqlError(int(diag.message_detail or 50000), diag.message_primary or "", 16)
    if state == "23505":
        return _duplicate(diag, name_of)
    if state == "23502":
        database, table = name_of(diag.schema_name or "", diag.table_name or "")
        column = name_of.column(diag.schema_name or "", diag.table_name or "", diag.column_name or "")
        return error(515, column, f"{database}.dbo.{table}", "UPDATE" if verb == "UPDATE" else "INSERT")
    if state == "23514":
        database, table = name_of(diag.schema_name or "", diag.table_name or "")
        return error(547, verb, diag.constraint_name, database, f"dbo.{table}")
    if state == "40P01":
        return error(1205, spid)
    if state == "40001":
        return error(3960, "", "")
    simple = {"22012": 8134, "55P03": 1222, "22001": 8152}
    if state in simple:
        return error(simple[state])
    if state == "22003":
        return error(8115, "expression", _overflowed(diag.message_primary or ""))
    if state in {"22008", "22007"}:
        return error(241)
    raise Unsupported(f"postgres {state}: {diag.message_primary}") from raised


class NameOf:
    """Spells the names PostgreSQL reports as the catalogue does."""

    def __call__(self, schema: str, relation: str) -> tuple[str, str]:
        return schema, relation

    def column(self, schema: str, relation: str, column: str) -> str:  # noqa: ARG002
        return column

    def is_key(self, schema: str, relation: str, constraint: str) -> bool:  # noqa: ARG002
        return True


def _duplicate(diag: psycopg.errors.Diagnostic, name_of: NameOf) -> SqlError:
    schema, relation, constraint = diag.schema_name or "", diag.table_name or "", diag.constraint_name or ""
    _, table = name_of(schema, relation)
    found = _KEY_VALUE.search(diag.message_detail or "")
    number = 2627 if name_of.is_key(schema, relation, constraint) else 2601
    return error(number, f"dbo.{table}", constraint, found[2] if found else "")


def _overflowed(text: str) -> str:
    names = {"smallint": "smallint", "integer": "int", "bigint": "bigint", "double": "float"}
    return next((ours for theirs, ours in names.items() if theirs in text), "numeric")
