"""What happens in a connection's worker thread: requests handed to the session, and failures put in SQL's words."""

import contextlib
import logging

from sandbox.door import Gaps
from sandbox.tds.answer import Answer
from sandbox.tds.bits import NotImitated, ProtocolError
from sandbox.tds.contract import Cancelled, Engine, Login, Session, SqlError
from sandbox.tds.requests import Announcement, Batch, Calls, Request

_log = logging.getLogger(__name__)


def open_session(engine: Engine, login: Login, gaps: Gaps) -> Session:
    """Raises `SqlError`, whatever the engine raised."""
    try:
        return engine.login(login)
    except Exception as error:
        raise explain(error, gaps) from error


def perform(request: Request, session: Session, answer: Answer, gaps: Gaps) -> None:
    """Run one request to its end; an error becomes a part of the answer. Raises ConnectionAbortedError when the engine lets
    go of the client.
    """
    with contextlib.suppress(Cancelled):
        try:
            _hand_over(request, session, answer)
        except (Cancelled, ConnectionAbortedError):
            raise
        except Exception as error:
            if not answer.cancelled:
                answer.fail(explain(error, gaps))


def fail_on_purpose(problem: SqlError, session: Session, answer: Answer) -> None:
    """End an answer with a planned error. A deadlock's victim has lost its transaction when it learns of it."""
    with contextlib.suppress(Cancelled):
        answer.forget_unsent()
        if problem.number == 1205:
            session.batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", answer)
            answer.forget_done()
        answer.fail(problem)


def interrupt(session: Session) -> None:
    try:
        session.cancel()
    except Exception:
        _log.exception("a session could not be interrupted")


def explain(error: Exception, gaps: Gaps) -> SqlError:
    """The server's own kind of error for what went wrong here; what is not imitated is listed in `gaps`."""
    if isinstance(error, SqlError):
        return error
    if isinstance(error, NotImitated):
        gaps.note(error.kind, error.what)
        return SqlError(40510, f"Not supported here: {error}.")
    if isinstance(error, ProtocolError):
        return SqlError(4002, f"The request is not understood: {error}.")
    _log.error("a session failed", exc_info=error)
    return SqlError(3624, f"The engine failed: {type(error).__name__}: {error}", severity=20)


def _hand_over(request: Request, session: Session, answer: Answer) -> None:
    if isinstance(request, Batch):
        session.batch(request.text, answer)
    elif isinstance(request, Calls):
        for call in request.calls:
            session.rpc(call.name, call.parameters, answer)
    elif isinstance(request, Announcement):
        answer.done()
    else:
        session.bulk(request.table, request.columns, request.rows, answer)
