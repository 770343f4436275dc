"""PostgreSQL's names back into the catalogue's spelling."""

from collections.abc import Mapping

from sandbox.tsql.catalog import Catalog, Table
from sandbox.tsql.errors import NameOf


def quote(name: str) -> str:
    """A name as PostgreSQL keeps it here: lower case, quoted."""
    return '"' + name.lower().replace('"', '""') + '"'


class CatalogNames(NameOf):
    def __init__(self, catalogs: Mapping[str, Catalog]) -> None:
        self._catalogs = catalogs

    def _table(self, schema: str, relation: str) -> Table | None:
        catalog = self._catalogs.get(schema)
        return catalog.table(relation) if catalog else None

    def __call__(self, schema: str, relation: str) -> tuple[str, str]:
        table = self._table(schema, relation)
        return (
            (table.database, table.name)
            if table
            else ("tempdb", relation.rpartition("_")[0] if relation.startswith("@") else relation)
        )

    def column(self, schema: str, relation: str, column: str) -> str:
        table = self._table(schema, relation)
        found = table.column(column) if table else None
        return found[0] if found else column

    def is_key(self, schema: str, relation: str, constraint: str) -> bool:
        table = self._table(schema, relation)
        return constraint == table.key_name if table else True
