"""What names mean to one statement: the databases, and the connection's own temporary tables."""

from collections.abc import Mapping

from sandbox.tsql.catalog import Catalog, Table
from sandbox.tsql.errors import error


class World:
    """`temporary` holds #tables and @tables by lower-case name; `pseudo` the `inserted` and `deleted` of a trigger."""

    def __init__(
        self,
        catalogs: Mapping[str, Catalog],
        database: str,
        temporary: Mapping[str, Table] | None = None,
        pseudo: Mapping[str, Table] | None = None,
    ) -> None:
        self._catalogs = catalogs
        self.database = database
        self._temporary = temporary or {}
        self._pseudo = pseudo or {}

    def catalog(self, database: str = "") -> Catalog:
        """SqlError 911 when there is no such database."""
        found = self._catalogs.get((database or self.database).lower())
        if found is None:
            raise error(911, database)
        return found

    def table(self, name: str, schema: str = "", database: str = "") -> Table:
        """SqlError 208 when there is no such table."""
        written = ".".join(part for part in (database, schema, name) if part)
        low = name.lower()
        if low[:1] in {"#", "@"}:
            found = self._temporary.get(low)
        elif not schema and not database and low in self._pseudo:
            found = self._pseudo[low]
        elif schema.lower() in {"sys", "information_schema"}:
            found = self.catalog(database).view(schema, name)
        else:
            found = self.catalog(database).table(name) if schema.lower() in {"", "dbo"} else None
        if found is None:
            raise error(137 if low[:1] == "@" else 208, written)
        return found
