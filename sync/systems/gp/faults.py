"""SQL Server's and the driver's errors in the words of the line: what to do next, and what happened where.

The number alone decides. pymssql chooses the exception's class by where the error stood in the answer, glues driver
noise to the server's text, and nests the number in a tuple when the sign-in fails.
"""

import re
from dataclasses import dataclass

from sync.errors import BadSettings, Rejected, RetryLater, SyncError


class FeedMoved(BadSettings):
    """Change Tracking was switched off for a table whose changes were asked for."""


@dataclass(frozen=True)
class _Meaning:
    kind: type[SyncError]
    code: str
    words: str


_BUSY = _Meaning(RetryLater, "busy", "is busy")
_AWAY = _Meaning(RetryLater, "system_unreachable", "does not answer")
_UNREADABLE = _Meaning(Rejected, "source_unreadable", "could not read a value")
_NO_RIGHT = _Meaning(BadSettings, "right_missing", "refuses for want of a right")
_UNKNOWN = _Meaning(Rejected, "unexpected", "refused the statement")
_SIGN_IN = _Meaning(
    BadSettings, "sign_in_failed", "refused the sign-in (GP365_GP_USER, GP365_GP_PASSWORD, or no such database)"
)
_NO_DATABASE = _Meaning(BadSettings, "table_missing", "can't open the database")

BUSY = frozenset((1204, 1205, 1222, 3960, 3961, 701, 8628, 8645, 8651))
"""Numbers of locks, deadlocks and want of memory: the server is busy."""

_MEANINGS: dict[int, _Meaning] = {
    **dict.fromkeys(BUSY, _BUSY),
    **dict.fromkeys((596, 921, 922, 927, 942, 3980, 6005, 17142, 18401, 18451), _AWAY),
    **dict.fromkeys((220, 241, 242, 245, 8114, 8115, 13609), _UNREADABLE),
    **dict.fromkeys((229, 230, 297, 300, 916), _NO_RIGHT),
    **dict.fromkeys((18452, 18456, 18470, 18486, 18487, 18488), _SIGN_IN),
    4060: _NO_DATABASE,
    911: _NO_DATABASE,
    207: _Meaning(BadSettings, "column_missing", "lacks a column"),
    208: _Meaning(BadSettings, "table_missing", "lacks a table"),
    22105: _Meaning(FeedMoved, "setting_missing", "has Change Tracking switched off for a table"),
}

# DB-Library's own numbers; 20047 ("dead") is also what a time-out ends in, with 20003 in its text.
_DRIVER = range(20000, 21000)
_SOCKET = range(10004, 11005)
_TIME_OUT = 20003
_NOISE = re.compile(r"DB-Lib error message (\d+)")
_SAYS_NOTHING = "General SQL Server error"
_NETWORK = "Net-Lib error during "
_SERVER_REFUSED = 20018
_NOT_CONNECTED = 20009


def explain(error: BaseException, server: str, database: str) -> SyncError:
    """The error of the line for what the driver raised while talking to `database` on `server`."""
    number = number_of(error)
    told = explain_number(number, text_of(error), server, database)
    if not number:
        told.details = type(error).__name__
    return told


def explain_number(number: int, text: str, server: str, database: str, *, entity: str = "", key: str = "") -> SyncError:
    """The error of the line for an error of SQL Server, given by its number and sentence."""
    meaning = _meaning(number, text)
    where = f"SQL Server {server}, database {database}"
    return meaning.kind(
        f"{where} {meaning.words}{': ' * bool(text)}{text}",
        code=meaning.code,
        system="gp",
        entity=entity,
        key=key,
        details=f"SQL Server error {number}",
    )


def connection_lost(error: BaseException) -> bool:
    """Whether the connection was found dead: not an answer of the server, and not our own time-out."""
    number, text = number_of(error), text_of(error)
    return _meaning(number, text) is _AWAY and number not in _MEANINGS


def number_of(error: BaseException) -> int:
    """The error's number, 0 when it has none.

    When a connection fails, pymssql 2.4 gives the number of the worst such failure this process ever had, and the
    server's sentence only when this one is worse: a stopped server would for ever look like a wrong password. What
    the driver adds to the text is of this failure.
    """
    if not error.args or not isinstance(error.args[0], tuple):
        return error.args[0] if error.args and isinstance(error.args[0], int) else 0
    number, text = error.args[0][0], _raw(error)
    additions = [int(each) for each in _NOISE.findall(text)]
    if not _NOISE.match(text) and additions:
        return int(number)
    return 18456 if _SERVER_REFUSED in additions else _NOT_CONNECTED


def text_of(error: BaseException) -> str:
    """The server's own sentence, or the driver's when there is none; blank when neither says anything."""
    server_text, *driver_texts = _NOISE.split(_raw(error))[::2]
    driver_text = (driver_texts[0] if driver_texts else "").partition(":\n")[2]
    text = " ".join((server_text.strip() or driver_text).split())
    return "" if text.startswith(_SAYS_NOTHING) else text.rpartition(_NETWORK)[2]


def _meaning(number: int, text: str) -> _Meaning:
    if number in _MEANINGS:
        return _MEANINGS[number]
    if number in _DRIVER:
        return _BUSY if number == _TIME_OUT or "timed out" in text else _AWAY
    return _AWAY if number in _SOCKET or not number else _UNKNOWN


def _raw(error: BaseException) -> str:
    args = error.args[0] if error.args and isinstance(error.args[0], tuple) else error.args
    raw = next((part for part in args if isinstance(part, bytes | str)), "")
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
