"""One engine for all tests of the T-SQL interpreter; sessions are driven directly, without the wire."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sandbox.door import Door
from sandbox.tds.contract import Login
from sandbox.tsql.catalog import Catalog, CatalogColumn, Check, Index, Table, Trigger, sql_type
from sandbox.tsql.engine import SqlEngine
from sandbox.tsql.logins import LoginRights
from sandbox.tsql.session import SqlSession
from tests.sandbox.tsql.recorder import Client


def _columns(**kinds: str) -> dict[str, CatalogColumn]:
    columns = {}
    for name, text in kinds.items():
        kind, _, default = text.partition("=")
        columns[name] = CatalogColumn(sql_type(kind), default or None)
    columns["DEX_ROW_TS"] = CatalogColumn(sql_type("datetime"), "GETUTCDATE()")
    columns["DEX_ROW_ID"] = CatalogColumn(sql_type("int"), identity=True)
    return columns


_STAMP = "UPDATE RM00101 SET DEX_ROW_TS = GETUTCDATE() FROM {0} WHERE {0}.CUSTNMBR = RM00101.CUSTNMBR"


def customers() -> Table:
    """A small customer master with a check, an extra unique index and the stamping trigger GP has."""
    return Table(
        "RM00101",
        _columns(
            CUSTNMBR="char(15)", CUSTNAME="char(65)=''", CITY="char(35)=''", CRLMTAMT="numeric(19,5)=0.00", HOLD="tinyint=0",
            CREATDDT="datetime='1900-01-01'",
        ),
        ["CUSTNMBR"],
        [Index("AK2RM00101", ("CUSTNAME", "DEX_ROW_ID"), unique=True), Index("AKCITY", ("CITY",))],
        [Check("CK_CREDIT", "CRLMTAMT >= 0")],
        [Trigger("zDT_RM00101U", "UPDATE", _STAMP.format("inserted"))],
    )  # fmt: skip


def addresses() -> Table:
    """Addresses, whose changes stamp their customer too."""
    own = (
        "UPDATE RM00102 SET DEX_ROW_TS = GETUTCDATE() FROM inserted "
        "WHERE inserted.CUSTNMBR = RM00102.CUSTNMBR AND inserted.ADRSCODE = RM00102.ADRSCODE; "
    )
    return Table(
        "RM00102",
        _columns(CUSTNMBR="char(15)", ADRSCODE="char(15)=''", ADDRESS1="char(61)=''", CITY="char(35)=''"),
        ["CUSTNMBR", "ADRSCODE"],
        triggers=[
            Trigger("zDT_RM00102I", "INSERT", _STAMP.format("inserted")),
            Trigger("zDT_RM00102D", "DELETE", _STAMP.format("deleted")),
            Trigger("zDT_RM00102U", "UPDATE", own + _STAMP.format("inserted")),
        ],
    )  # fmt: skip


def plain() -> Table:
    """A table for errors: nullable and not, narrow and wide."""
    return Table(
        "T",
        {
            "K": CatalogColumn(sql_type("int")),
            "V": CatalogColumn(sql_type("varchar(10)"), nullable=True),
            "N": CatalogColumn(sql_type("int"), "0"),
            "C": CatalogColumn(sql_type("char(5)"), "''"),
        },
        ["K"],
        checks=[Check("CK_N", "N < 1000")],
    )


@pytest.fixture(scope="session")
def door() -> Door:
    return Door("sql")


@pytest.fixture(scope="session")
def engine(door: Door) -> Iterator[SqlEngine]:
    company = Table(
        "SY01500",
        {
            "CMPANYID": CatalogColumn(sql_type("smallint")),
            "INTERID": CatalogColumn(sql_type("char(5)"), "''"),
            "NOTEINDX": CatalogColumn(sql_type("numeric(19,5)"), "0"),
        },
        ["CMPANYID"],
    )
    catalogs = [
        Catalog("TWO", [customers(), addresses(), plain()]),
        Catalog("DYNAMICS", [company]),
        Catalog("THREE", [customers()]),
    ]
    logins = {
        "sa": LoginRights("secret", admin=True),
        "reader": LoginRights("secret", rights={"TWO": {"RM00101": ["SELECT"]}}),
        "gp365": LoginRights(
            "secret",
            rights={
                "TWO": {"*": ["SELECT", "VIEW CHANGE TRACKING"], "ta*": ["EXECUTE"]},
                "DYNAMICS": {"*": ["SELECT"]},
            },
        ),
    }
    # Outside pytest's own folder: every pytest that starts closes that one to the user PostgreSQL has under root.
    with TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as made:
        engine = SqlEngine(Path(made) / "data", catalogs, logins, door)
        engine.start()
        yield engine
        engine.stop()


@pytest.fixture
def connect(engine: SqlEngine) -> Iterator[object]:
    """A maker of clients: `connect(user="sa", database="TWO")`."""
    made: list[SqlSession] = []

    def make(user: str = "sa", database: str = "TWO") -> Client:
        session = engine.login(Login(user, "secret", database, app="test"))
        made.append(session)
        return Client(session)

    yield make
    for session in made:
        session.close()


@pytest.fixture
def client(connect, engine: SqlEngine) -> Client:
    """A client of an empty company."""
    found: Client = connect()
    found.run("DELETE FROM RM00101; DELETE FROM RM00102; DELETE FROM T; DELETE FROM DYNAMICS..SY01500")
    return found
