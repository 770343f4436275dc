"""A GP database: what is imitated, and notes of what GP has and the stand-in hasn't."""

import re

from sandbox.door import Gaps
from sandbox.gp.procedures import procedures
from sandbox.gp.tables import tables
from sandbox.tsql.catalog import Catalog, Table
from sandbox.tsql.procedures import Procedure

# Pre and Post procedures are empty as installed, so none of them is no gap.
_VENDORS_PROCEDURE = re.compile(r"(ta|sm)[a-z]\w*(?<!pre)(?<!post)", re.IGNORECASE)
_OLD_VIEW = re.compile(r"sys[a-z]+", re.IGNORECASE)  # sysobjects and its like need no schema
_VENDORS_TABLE = re.compile(r"[a-z]{2,4}[0-9]{5}", re.IGNORECASE)


class GpCatalog(Catalog):
    """DYNAMICS, or a company of any other name. An unknown name that looks like GP's own, or a
    view of SQL Server's catalogue, is noted as a gap."""

    def __init__(self, name: str, gaps: Gaps) -> None:
        super().__init__(name, tables(name), procedures(name))
        self._gaps = gaps

    def table(self, name: str) -> Table | None:
        found = super().table(name)
        if found is None and (_VENDORS_TABLE.fullmatch(name) or _OLD_VIEW.fullmatch(name)):
            self._gaps.note("table", f"{self.name}..{name}")
        return found

    def view(self, schema: str, name: str) -> Table | None:
        found = super().view(schema, name)
        if found is None:
            self._gaps.note("view", f"{schema}.{name}".lower())
        return found

    def procedure(self, name: str) -> Procedure | None:
        found = super().procedure(name)
        if found is None and _VENDORS_PROCEDURE.fullmatch(name):
            self._gaps.note("procedure", f"{self.name}..{name}")
        return found
