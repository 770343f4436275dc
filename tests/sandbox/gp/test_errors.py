"""Every error number of the customer procedures: raised here, or listed as not imitated with a reason."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pymssql
import pytest

import sandbox.gp
from sandbox.gp.accounts import ACCOUNTS
from sandbox.gp.admin import Recording
from sandbox.gp.econnect import custom
from sandbox.gp.procedures import addresses, customers, internet
from sandbox.gp.procedures.note_indexes import NUMBERS
from sandbox.tds.contract import Login
from sandbox.tsql.procedures import Procedure
from tests.sandbox.gp.calls import Answer, batch, call, rows, run
from tests.sandbox.gp.conftest import Endpoint

# Numbers of the reference that no test raises: procedure -> number -> reason.
NOT_IMITATED: dict[str, dict[int, str]] = {}
REFERENCE = json.loads((Path(sandbox.gp.__file__).parent / "data" / "gp-errors.json").read_text())
NODES = {node.name: node for node in (customers.CUSTOMER, addresses.ADDRESS, internet.INTERNET)}
CUSTOMER, ADDRESS, INTERNET = NODES
OLD, NEW = {"CUSTNMBR": "AARONFIT0001"}, {"CUSTNMBR": "NEWONE0001"}
MAIN = OLD | {"ADRSCODE": "PRIMARY"}
CUS = {"Master_Type": "CUS", "Master_ID": "AARONFIT0001", "ADRSCODE": "PRIMARY"}
SENT = "UPDATE RM00103 SET CUSTBLNC = 10 WHERE CUSTNMBR = 'AARONFIT0001'"
ORDER = "INSERT INTO SOP10100 (SOPNUMBE, SOPTYPE, CUSTNMBR) VALUES ('ORD1', 2, 'AARONFIT0001')"

Case = tuple[int, dict[str, object]] | tuple[int, dict[str, object], str]

CUSTOMER_CASES: list[Case] = [
    (33, {"CUSTNMBR": ""}),
    (32, OLD | {"UpdateIfExists": None}),
    (32, OLD | {"INTEGRATIONID": None}),
    (32, OLD | {"CreateAddress": 2}),
    (251, OLD | {"UpdateIfExists": 0}),
    (1409, NEW | {"UseCustomerClass": 1}),
    (495, NEW | {"CUSTCLAS": "NOPE"}),
    (5518, NEW | {"CITY": "Oslo"}),
    (1405, NEW | {"STADDRCD": "NOPE", "CreateAddress": 0}),
    (1406, NEW | {"ADRSCODE": "NOPE", "CreateAddress": 0}),
    (1407, OLD | {"PRBTADCD": "NOPE", "CreateAddress": 0}),
    (1408, OLD | {"PRSTADCD": "NOPE", "CreateAddress": 0}),
    (250, NEW | {"TAXSCHID": "NOPE"}),
    (249, NEW | {"SLPRSNID": "NOPE"}),
    (5458, NEW | {"SALSTERR": "NOPE"}),
    (5421, NEW | {"PYMTRMID": "Net 31"}),
    (6231, NEW | {"PRCLEVEL": "NOPE"}),
    (5420, NEW | {"CHEKBKID": "NOPE"}),
    (94, NEW | {"CRCARDID": "NOPE"}),
    (1327, NEW | {"CURNCYID": "Z-NOPE"}),
    (1305, NEW | {"CURNCYID": "Z-YEN"}),
    (7859, NEW | {"RATETPID": "NOPE"}),
    (6329, NEW | {"CCode": "XX", "ADRSCODE": "PRIMARY"}),
    (4617, NEW | {"CRLMTTYP": 3}),
    (7128, NEW | {"CRLMTTYP": 1, "CRLMTAMT": Decimal(5)}),
    (7128, NEW | {"CRLMTAMT": Decimal(5)}),
    (5403, NEW | {"CRLMTTYP": 2, "CRLMTAMT": Decimal(-5)}),
    (5403, NEW | {"MXWROFAM": Decimal(-5)}),
    (1620, OLD | {"INACTIVE": 2}),
    (1621, OLD | {"HOLD": 2}),
    (1410, OLD | {"INACTIVE": 1}, SENT),
    (1410, OLD | {"INACTIVE": 1}, ORDER),
    (1624, NEW | {"BALNCTYP": 2}),
    (8074, OLD | {"BALNCTYP": 1}, ORDER),
    (7898, NEW | {"STMTCYCL": 8}),
    (7898, NEW | {"STMTCYCL": 0}),
    (8005, NEW | {"CRLMTTYP": 2, "CRLMTAMT": Decimal(5)}, "DELETE FROM MC40000"),
    (8006, NEW | {"CRLMTTYP": 2, "CRLMTAMT": Decimal("5.125")}),
]
ADDRESS_CASES: list[Case] = [
    (99, MAIN | {"CUSTNMBR": " "}),
    (107, MAIN | {"ADRSCODE": ""}),
    (118, MAIN | {"CUSTNMBR": "NOBODY"}),
    (9366, MAIN | {"UpdateIfExists": 0}),
    (9365, MAIN | {"UpdateIfExists": 3}),
    (9365, MAIN | {"UpdateIfExists": None}),
    (117, MAIN | {"TAXSCHID": "NOPE"}),
    (8285, MAIN | {"SLPRSNID": "NOPE"}),
    (6309, MAIN | {"SALSTERR": "NOPE"}),
    (6308, MAIN | {"LOCNCODE": "NOPE"}),
    (6307, MAIN | {"CCode": "XX"}),
    (11762, MAIN | {"Print_Phone_NumberGB": 5}),
]
INTERNET_CASES: list[Case] = [
    (10901, CUS | {"Master_Type": ""}),
    (10902, CUS | {"Master_ID": ""}),
    (10903, CUS | {"ADRSCODE": ""}),
    (654, CUS | {"Master_ID": "NOBODY"}),
    (655, CUS | {"ADRSCODE": "NOPE"}),
    (656, {"Master_Type": "VEN", "Master_ID": "NOBODY", "ADRSCODE": "PRIMARY"}),
    (657, {"Master_Type": "VEN", "Master_ID": "ACETRAVE0001", "ADRSCODE": "NOPE"}),
    (658, {"Master_Type": "ITM", "Master_ID": "NOTHING"}),
    (653, {"Master_Type": "SLP", "Master_ID": "NOBODY"}),
    (659, {"Master_Type": "EMP", "Master_ID": "NOBODY", "ADRSCODE": "PRIMARY"}),
    (660, {"Master_Type": "EMP", "Master_ID": "BARB0001", "ADRSCODE": "NOPE"}),
    (661, {"Master_Type": "CMP", "Master_ID": "FOUR", "ADRSCODE": "Primary"}),
    (662, {"Master_Type": "CMP", "Master_ID": "TWO", "ADRSCODE": "NOPE"}),
    (10900, CUS | {"INET1": None}),
]
ACCOUNT_CASES: list[Case] = [
    (number, NEW | {argument: text})
    for argument, (_, *numbers) in ACCOUNTS.items()
    for number, text in zip(numbers, ("000-0000-00", "000-1190-00", "000-9010-00"), strict=True)
]
SIMPLE = {CUSTOMER: CUSTOMER_CASES + ACCOUNT_CASES, ADDRESS: ADDRESS_CASES, INTERNET: INTERNET_CASES}
# Writes that an SQL error stops: (number, procedure, arguments, table, what the table then demands).
WRITES = [
    (479, CUSTOMER, NEW, "rm00101", "false"),
    (479, CUSTOMER, NEW, "rm00103", "false"),
    (93, CUSTOMER, OLD | {"COMMENT1": "x"}, "rm00101", "false"),
    (111, ADDRESS, OLD | {"ADRSCODE": "EXTRA"}, "rm00102", "false"),
    (116, ADDRESS, MAIN | {"CITY": "Oslo"}, "rm00102", "false"),
    (2320, ADDRESS, MAIN | {"CITY": "Oslo"}, "rm00101", "city <> 'Oslo'"),
    (176, ADDRESS, MAIN | {"SHIPMTHD": "BY KITE"}, "sy03000", "false"),
    (10904, INTERNET, {"Master_Type": "ITM", "Master_ID": "100XLG"}, "sy01200", "false"),
    (10905, INTERNET, CUS, "sy01200", "false"),
]
SUBCALLS = {142: "ADRSCODE", 143: "PRSTADCD", 144: "PRBTADCD", 145: "STADDRCD"}


@pytest.mark.parametrize(
    ("procedure", "case"), [(name, case) for name, cases in SIMPLE.items() for case in cases], ids=str
)
def test_a_bad_call_returns_its_number_and_raises_nothing(two: pymssql.Connection, procedure: str, case: Case) -> None:
    number, values, *before = case
    for sql in before:
        run(two, sql)
    assert call(two, procedure, **values) == Answer(number, number, f" {number}")


@contextmanager
def installed(gp: Endpoint, procedure: Procedure) -> Iterator[None]:
    """A partner's Pre or Post for the length of a test."""
    two = gp.server.catalogs["TWO"]
    two.add_procedure(procedure)
    yield
    two.add_procedure(Procedure(procedure.name, procedure.parameters, lambda _: 0))


VALID = {CUSTOMER: NEW, ADDRESS: MAIN, INTERNET: CUS}


@pytest.mark.parametrize("procedure", NODES)
@pytest.mark.parametrize("stage", ["Pre", "Post"])
def test_a_customisation_that_refuses_adds_its_own_number(
    gp: Endpoint, two: pymssql.Connection, procedure: str, stage: str
) -> None:
    node = NODES[procedure]
    body = "SELECT @O_iErrorState = 60001, @oErrString = '60001'"
    with installed(gp, custom(node, stage, body)):
        answer = call(two, procedure, **VALID[procedure])
    assert answer.numbers == [60001, node.pre_failed if stage == "Pre" else node.post_failed]
    assert answer.state == answer.returned == answer.numbers[-1]


@pytest.mark.parametrize("number", SUBCALLS)
def test_a_customer_whose_address_is_refused_says_which(gp: Endpoint, two: pymssql.Connection, number: int) -> None:
    body = "IF @I_vADRSCODE = 'BAD' SELECT @O_iErrorState = 60002, @oErrString = '60002'"
    codes = {"ADRSCODE": "GOOD", SUBCALLS[number]: "BAD"}
    with installed(gp, custom(addresses.ADDRESS, "Pre", body)):
        answer = call(two, CUSTOMER, **NEW, **codes)
    assert answer.numbers == [60002, addresses.ADDRESS.pre_failed, number]


@contextmanager
def constrained(gp: Endpoint, table: str, rule: str) -> Iterator[None]:
    """A further CHECK on a table of TWO that new and changed rows must pass."""
    with gp.server.engine.connect() as postgres:
        postgres.execute(f"ALTER TABLE two.{table} ADD CONSTRAINT refusal CHECK ({rule}) NOT VALID")
        yield
        postgres.execute(f"ALTER TABLE two.{table} DROP CONSTRAINT refusal")


@pytest.mark.parametrize(("number", "procedure", "values", "table", "rule"), WRITES)
def test_a_write_that_fails_sends_the_sql_error_and_returns_its_number(
    gp: Endpoint, number: int, procedure: str, values: dict[str, object], table: str, rule: str
) -> None:
    """Asked of the engine's own session: pymssql loses what comes after an error."""
    answer = Recording()
    with constrained(gp, table, rule):
        session = gp.server.engine.login(Login("sa", gp.server.passwords["sa"], "TWO"))
        session.batch("SET XACT_ABORT OFF; BEGIN TRAN; " + batch(procedure, values) + "; ROLLBACK", answer)
        session.close()
    assert [error.number for error in answer.errors] == [547]
    assert answer.results[-1].rows == [(number, number, f" {number}")]


@pytest.mark.parametrize(("procedure", "missing", "null"), [(name, *numbers) for name, numbers in NUMBERS.items()])
def test_note_index_allocators_answer_with_a_state_only(
    connect: Callable[..., pymssql.Connection], procedure: str, missing: int, null: int
) -> None:
    system = connect("DYNAMICS", "sa")
    asked = (
        "SET NOCOUNT ON; DECLARE @rc int, @n numeric(19,5), @es int; EXEC @rc = dbo.{} @I_sCompanyID={}, "
        "@I_iSQLSessionID=1, @O_mNoteIndex=@n OUTPUT, @O_iErrorState=@es OUTPUT; SELECT @es, @n"
    )
    assert rows(system, asked.format(procedure, 99)) == [(missing, None)]
    assert rows(system, asked.format(procedure, "NULL")) == [(null, None)]


def _raised() -> dict[str, set[int]]:
    raised = {name: {case[0] for case in cases} for name, cases in SIMPLE.items()}
    for node in NODES.values():
        raised[node.name] |= {node.pre_failed, node.post_failed}
    for number, procedure, *_ in WRITES:
        raised[procedure].add(number)
    raised[CUSTOMER] |= set(SUBCALLS)
    return raised | {name: set(numbers) for name, numbers in NUMBERS.items()}


@pytest.mark.parametrize("procedure", REFERENCE)
def test_every_number_is_raised_by_a_test_or_listed_as_not_imitated(procedure: str) -> None:
    listed = NOT_IMITATED.get(procedure, {})
    assert _raised()[procedure] | set(listed) == {int(number) for number in REFERENCE[procedure]}
    assert not _raised()[procedure] & set(listed)


def test_every_number_has_a_text_in_the_system_database(two: pymssql.Connection) -> None:
    known = dict(rows(two, "SELECT ErrorCode, RTRIM(ErrorDesc) FROM DYNAMICS..taErrorCode"))
    assert known == {int(n): text for texts in REFERENCE.values() for n, text in texts.items()}
