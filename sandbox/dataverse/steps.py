"""The registered processing steps as they are when an event comes, read once and kept until one of them changes."""

from dataclasses import dataclass

from sandbox.dataverse.registration import columns_of
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row, Store

REGISTRATION = {"serviceendpoint", "sdkmessageprocessingstep", "sdkmessageprocessingstepimage"}


@dataclass(frozen=True)
class Image:
    """An image to be sent: its alias, its kind, its columns (none: all)."""

    alias: str
    kind: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """An enabled step on `message` of `table` ("" for a message that is no table's own)."""

    id: str
    name: str
    message: str
    table: str
    stage: int
    mode: int
    rank: int
    filtering: frozenset[str]
    autodelete: bool
    user: str | None
    images: tuple[Image, ...]


@dataclass(frozen=True)
class Endpoint:
    """Where a webhook is and how it knows its caller."""

    url: str
    authtype: int
    authvalue: str
    charset: int


class Steps:
    """The enabled steps of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: list[Step] | None = None

    def forget(self) -> None:
        """Read them again at the next event, since one has changed."""
        self._known = None

    def of(self, message: str, table: str, stage: int, mode: int) -> list[Step]:
        """The steps of an event, in the order they run in."""
        if self._known is None:
            self._known = sorted(self._read(), key=lambda step: step.rank)
        wanted = (message, stage, mode)
        return [s for s in self._known if (s.message, s.stage, s.mode) == wanted and s.table in {"", table}]

    def get(self, step_id: str) -> tuple[Row, Endpoint] | None:
        """A step's row and its endpoint as they are now, None when it has been unregistered."""
        row = self._store.get(self._table("sdkmessageprocessingstep"), step_id)
        found = self._store.get(self._table("serviceendpoint"), str(row["eventhandler"])) if row else None
        if row is None or found is None:
            return None
        text = {name: str(found[name]) for name in ("url", "authvalue", "authtype", "messagecharset")}
        return row, Endpoint(text["url"], int(text["authtype"]), text["authvalue"], int(text["messagecharset"]))

    def _read(self) -> list[Step]:
        images = self._images()
        rows = self._store.find(self._table("sdkmessageprocessingstep"), {"statecode": 0})
        return [self._step(row, images.get(str(row["sdkmessageprocessingstepid"]), [])) for row in rows]

    def _images(self) -> dict[str, list[Image]]:
        found: dict[str, list[Image]] = {}
        for row in self._store.find(self._table("sdkmessageprocessingstepimage"), {}):
            image = Image(str(row["entityalias"]), int(str(row["imagetype"])), tuple(columns_of(row["attributes"])))
            found.setdefault(str(row["sdkmessageprocessingstepid"]), []).append(image)
        return found

    def _step(self, row: Row, images: list[Image]) -> Step:
        message = self._store.get(self._table("sdkmessage"), str(row["sdkmessageid"]))
        filtered = self._store.get(self._table("sdkmessagefilter"), str(row["sdkmessagefilterid"]))
        assert message is not None
        user = row["impersonatinguserid"]
        return Step(
            id=str(row["sdkmessageprocessingstepid"]),
            name=str(row["name"] or ""),
            message=str(message["name"]),
            table=str(filtered["primaryobjecttypecode"]) if filtered else "",
            stage=int(str(row["stage"])),
            mode=int(str(row["mode"])),
            rank=int(str(row["rank"])),
            filtering=frozenset(columns_of(row["filteringattributes"])),
            autodelete=bool(row["asyncautodelete"]),
            user=str(user) if user else None,
            images=tuple(images),
        )

    def _table(self, name: str) -> Table:
        table = self._store.schema.table(name)
        assert table is not None
        return table
