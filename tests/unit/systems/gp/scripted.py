"""A GP client without a server: answers by script, and a pymssql connection likewise."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import SecretStr

from sync.mapping import Mapping, load_all, load_mapping
from sync.systems.gp.client import GpClient, GpSettings, Row

type Answer = list[list[Row]] | Exception
type Reply = Answer | Callable[[str, Sequence[object]], Answer]

SETTINGS = GpSettings(
    server="sql01",
    port=1433,
    user="gp365",
    password=SecretStr("s3cret"),
    companies=("TWO",),
    page=3,
    poll_limit=4,
    overlap_minutes=5,
    connections=2,
)


def customer() -> Mapping:
    return load_all(Path("sync/mappings"))["customer"]


def address() -> Mapping:
    """Addresses of customers, by a key of two columns."""
    return load_mapping(Path(__file__).parent / "mappings" / "address.yaml")


class ScriptedClient(GpClient):
    """Gives the next reply to each question and keeps the questions."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(SETTINGS)
        self.replies = list(replies)
        self.asked: list[tuple[str, tuple[object, ...]]] = []

    async def query(self, company: str, sql: str, params: Sequence[object] = ()) -> list[list[Row]]:
        assert company == "TWO"
        self.asked.append((sql, tuple(params)))
        reply = self.replies.pop(0)
        answer = reply(sql, params) if callable(reply) else reply
        if isinstance(answer, Exception):
            raise answer
        return answer


class ScriptedConnection:
    """A pymssql connection whose batches give result sets (lists of rows, the first one column names) or raise.

    An exception inside a batch's list is raised where it stands, by `nextset`, as FreeTDS does.
    """

    def __init__(self, *batches: object) -> None:
        self.batches = list(batches)
        self.sent: list[tuple[str, object]] = []
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def cursor(self) -> "_Cursor":
        return _Cursor(self)


class _Cursor:
    def __init__(self, connection: ScriptedConnection) -> None:
        self._connection = connection
        self._sets: list[object] = []
        self._rows: list[tuple[object, ...]] = []
        self.description: list[tuple[str]] | None = None

    def __enter__(self) -> "_Cursor":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, sql: str, params: object = ()) -> None:
        self._connection.sent.append((sql, params))
        batch = self._connection.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        self._sets = list(batch)  # type: ignore[call-overload]
        self.nextset()

    def nextset(self) -> int | None:
        self.description = None
        if not self._sets:
            return None
        following = self._sets.pop(0)
        if isinstance(following, Exception):
            raise following
        names, *self._rows = following  # type: ignore[misc]
        self.description = [(name,) for name in names]
        return 1

    def fetchall(self) -> list[tuple[object, ...]]:
        return self._rows
