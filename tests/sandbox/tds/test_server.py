import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.sandbox.tds.script import numbers, pymssql_to


def get(running, path: str) -> dict:
    with urllib.request.urlopen(running.admin + path, timeout=10) as answer:
        return json.load(answer)


def test_requests_are_counted_by_kind(running, mssql, script):
    running.door.counts.reset()
    script.procedures["p"] = lambda _, output: output.procedure_done()
    mssql.cursor().execute("x")
    mssql.cursor().execute("y")
    mssql.cursor().callproc("p", ())
    counts = get(running, "/counts")
    assert counts.pop("tds.bytes_out") > 0
    assert counts == {"tds.requests": 3, "tds.batches": 2, "tds.rpcs": 1}


def test_connections_are_counted(running):
    for _ in range(2):
        pymssql_to(running.port).close()
    assert get(running, "/counts")["tds.connections"] == 2


def test_the_most_requests_at_once_are_known(running, script):
    together = Barrier(3, timeout=10)

    def act(output, _):
        together.wait()
        numbers(output, 1)

    script.batches["x"] = act

    def ask(_):
        with pymssql_to(running.port) as connection:
            connection.cursor().execute("x")

    with ThreadPoolExecutor(3) as clients:
        list(clients.map(ask, range(3)))
    assert get(running, "/concurrency") == {"tds.most_at_once": 3, "tds.in_progress": 0}
    urllib.request.urlopen(urllib.request.Request(running.admin + "/concurrency", method="DELETE"), timeout=10).close()
    assert get(running, "/concurrency") == {"tds.most_at_once": 0, "tds.in_progress": 0}
