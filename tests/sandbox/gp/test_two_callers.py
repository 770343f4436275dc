"""Two callers of the same procedures at once: who waits, who fails, what a rollback gives back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pymssql
import pytest

from tests.sandbox.gp.calls import Answer, batch, customer, rows, run
from tests.sandbox.gp.conftest import Endpoint

Connect = Callable[..., pymssql.Connection]
DONE = Answer(0, 0, "")
NEXT_NOTE = "SELECT NOTEINDX FROM DYNAMICS..SY01500 WHERE INTERID = 'TWO'"
CREATE = batch("taUpdateCreateCustomerRcd", {"CUSTNMBR": "RACE0001", "UpdateIfExists": 0})


@contextmanager
def waiting(gp: Endpoint, connection: pymssql.Connection, sql: str) -> Iterator[list[object]]:
    """Runs `sql` in a thread and enters when it waits for a lock; the list holds its first row or its error number."""
    found: list[object] = []

    def work() -> None:
        try:
            found.append(rows(connection, sql)[0])
        except pymssql.Error as error:
            found.append(error.args[0])

    thread = threading.Thread(target=work)
    thread.start()
    with gp.server.engine.connect() as postgres:
        while thread.is_alive() and not postgres.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            pass
    yield found
    thread.join()


def test_the_second_to_create_a_customer_passes_the_check_and_fails_on_the_key(gp: Endpoint, connect: Connect) -> None:
    first, second = connect("TWO", "sa"), connect("TWO", "sa")
    assert customer(first, CUSTNMBR="RACE0001", UpdateIfExists=0) == DONE
    with waiting(gp, second, CREATE) as found:
        first.commit()
    assert found == [2627]
    run(first, "DELETE FROM RM00101 WHERE CUSTNMBR = 'RACE0001'; DELETE FROM RM00103 WHERE CUSTNMBR = 'RACE0001'")
    first.commit()


def test_the_second_creates_the_customer_when_the_first_rolls_back(gp: Endpoint, connect: Connect) -> None:
    first, second = connect("TWO", "sa"), connect("TWO", "sa")
    before = rows(first, NEXT_NOTE)[0][0]
    customer(first, CUSTNMBR="RACE0001", UpdateIfExists=0)
    with waiting(gp, second, CREATE) as found:
        first.rollback()
    assert found == [(0, 0, "")]
    assert rows(second, "SELECT NOTEINDX FROM RM00101 WHERE CUSTNMBR = 'RACE0001'") == [(before,)]


def test_a_note_index_is_given_to_one_caller_only(gp: Endpoint, connect: Connect) -> None:
    first, second = connect("TWO", "sa"), connect("TWO", "sa")
    customer(first, CUSTNMBR="RACE0001")
    with waiting(gp, second, CREATE.replace("RACE0001", "RACE0002")) as found:
        first.commit()
    assert found == [(0, 0, "")]
    taken = rows(second, "SELECT NOTEINDX FROM RM00101 WHERE CUSTNMBR LIKE N'RACE%'")
    assert len(set(taken)) == 2
    second.rollback()
    run(first, "DELETE FROM RM00101 WHERE CUSTNMBR = 'RACE0001'; DELETE FROM RM00103 WHERE CUSTNMBR = 'RACE0001'")
    first.commit()


@pytest.mark.parametrize(("switch", "open_after"), [("OFF", 1), ("ON", 0)])
def test_a_lock_time_out_inside_a_call_keeps_the_transaction_unless_xact_abort(
    connect: Connect, switch: str, open_after: int
) -> None:
    first, second = connect("TWO", "sa"), connect("TWO", "sa")
    customer(first, CUSTNMBR="RACE0001")
    run(second, f"SET XACT_ABORT {switch}; SET LOCK_TIMEOUT 50")
    with pytest.raises(pymssql.Error) as caught:
        rows(second, CREATE.replace("RACE0001", "RACE0002"))
    assert caught.value.args[0] == 1222
    assert rows(second, "SELECT @@TRANCOUNT, (SELECT COUNT(*) FROM RM00101 WHERE CUSTNMBR = 'RACE0002')") == [
        (open_after, 0)
    ]
