"""One engine for all tests of the T-SQL interpreter; sessions are driven directly, without the wire."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.door import Door
from sandbox.tds.contract import Column, Login, RpcParameter, SqlError
from sandbox.tsql.catalog import Catalog, CatalogColumn, Check, Index, Table, Trigger, sql_type
from sandbox.tsql.engine import SqlEngine
from sandbox.tsql.logins import LoginRights
from sandbox.tsql.session import SqlSession


@dataclass
class Recorder:
    """An Output that remembers what it was sent, in order."""

    events: list[tuple[str, object]] = field(default_factory=list)
    sets: list[list[tuple[object, ...]]] = field(default_factory=list)
    shapes: list[list[Column]] = field(default_factory=list)
    errors: list[SqlError] = field(default_factory=list)
    infos: list[SqlError] = field(default_factory=list)
    returned: list[RpcParameter] = field(default_factory=list)
    counts: list[int | None] = field(default_factory=list)

    def columns(self, columns: Sequence[Column]) -> None:
        self.events.append(("columns", [column.name for column in columns]))
        self.shapes.append(list(columns))
        self.sets.append([])

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        self.sets[-1] += [tuple(row) for row in rows]
        self.events.append(("rows", len(self.sets[-1])))

    def done(self, count: int | None = None, *, in_procedure: bool = False, error: bool = False) -> None:
        self.counts.append(count)
        self.events.append(("done", (count, in_procedure, error)))

    def error(self, error: SqlError) -> None:
        self.errors.append(error)
        self.events.append(("error", error.number))

    def info(self, message: SqlError) -> None:
        self.infos.append(message)
        self.events.append(("info", message.number))

    def return_status(self, status: int) -> None:
        self.events.append(("status", status))

    def return_value(self, ordinal: int, parameter: RpcParameter) -> None:
        self.returned.append(parameter)
        self.events.append(("value", ordinal))

    def procedure_done(self) -> None:
        self.events.append(("procedure", None))

    def transaction(self, change: str) -> None:
        self.events.append(("transaction", change))

    def database(self, name: str) -> None:
        self.events.append(("database", name))

    @property
    def numbers(self) -> list[int]:
        return [error.number for error in self.errors]


class Client:
    """A session with a short way to ask it things."""

    def __init__(self, session: SqlSession) -> None:
        self.session = session

    def run(self, text: str) -> Recorder:
        recorder = Recorder()
        self.session.batch(text, recorder)
        return recorder

    def rows(self, text: str) -> list[tuple[object, ...]]:
        """The rows of a batch that must not fail and answers with one result set."""
        recorder = self.run(text)
        assert recorder.errors == []
        assert len(recorder.sets) == 1
        return recorder.sets[0]

    def value(self, text: str) -> object:
        rows = self.rows(text)
        assert len(rows) == 1
        return rows[0][0]


def _columns(**kinds: str) -> dict[str, CatalogColumn]:
    columns = {}
    for name, text in kinds.items():
        kind, _, default = text.partition("=")
        columns[name] = CatalogColumn(sql_type(kind), default or None)
    columns["DEX_ROW_TS"] = CatalogColumn(sql_type("datetime"), "GETUTCDATE()")
    columns["DEX_ROW_ID"] = CatalogColumn(sql_type("int"), identity=True)
    return columns


def customers() -> Table:
    """A small customer master with a check, an extra unique index and the stamping trigger GP has."""
    return Table(
        "RM00101",
        _columns(CUSTNMBR="char(15)", CUSTNAME="char(65)=''", CITY="char(35)=''", CRLMTAMT="numeric(19,5)=0.00", HOLD="tinyint=0", CREATDDT="datetime='1900-01-01'"),
        ["CUSTNMBR"],
        [Index("AK2RM00101", ("CUSTNAME", "DEX_ROW_ID"), unique=True), Index("AKCITY", ("CITY",))],
        [Check("CK_CREDIT", "CRLMTAMT >= 0")],
        [Trigger("zDT_RM00101U", "UPDATE", "UPDATE RM00101 SET DEX_ROW_TS = GETUTCDATE() FROM inserted WHERE inserted.CUSTNMBR = RM00101.CUSTNMBR")],
    )  # fmt: skip


def addresses() -> Table:
    """Addresses, whose changes stamp their customer too."""
    stamp = "UPDATE RM00101 SET DEX_ROW_TS = GETUTCDATE() FROM {0} WHERE {0}.CUSTNMBR = RM00101.CUSTNMBR"
    return Table(
        "RM00102",
        _columns(CUSTNMBR="char(15)", ADRSCODE="char(15)=''", ADDRESS1="char(61)=''", CITY="char(35)=''"),
        ["CUSTNMBR", "ADRSCODE"],
        triggers=[
            Trigger("zDT_RM00102I", "INSERT", stamp.format("inserted")),
            Trigger("zDT_RM00102D", "DELETE", stamp.format("deleted")),
            Trigger("zDT_RM00102U", "UPDATE", "UPDATE RM00102 SET DEX_ROW_TS = GETUTCDATE() FROM inserted WHERE inserted.CUSTNMBR = RM00102.CUSTNMBR AND inserted.ADRSCODE = RM00102.ADRSCODE; " + stamp.format("inserted")),
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
def engine(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Iterator[SqlEngine]:
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
    path: Path = tmp_path_factory.mktemp("pg")
    engine = SqlEngine(path, catalogs, logins, door)
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
