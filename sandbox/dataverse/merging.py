"""Merge: one account or contact takes over from another, which is made inactive and points to it."""

from sandbox.dataverse import errors
from sandbox.dataverse.environment import MERGED, Environment
from sandbox.dataverse.literals import GUID
from sandbox.dataverse.payload import Body, link
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row, target_column
from sandbox.dataverse.wire import Call
from sandbox.dataverse.writer import Writer

_PARENTS = {"account": "parentaccountid", "contact": "parentcustomerid"}


class Merging:
    """The merge of one call."""

    def __init__(self, env: Environment, call: Call) -> None:
        self._env, self._user = env, call.user
        self._writer = Writer(env, call.user, call.root, origin=call.origin)

    def run(self, target: Body, subordinate: Body, content: Body, *, checks_parents: bool) -> None:
        """Merge `subordinate` into `target`, whose columns `content` sets; what belonged to it belongs to the target.

        Raises DataverseError: 404 for a row that is not there, 400 for rows that cannot be merged.
        """
        table = self._table(target)
        self._user.need_named("prvMerge", table.name)
        master, other = self._row(table, target), self._row(table, subordinate)
        self._check(table, master, other, checks_parents=checks_parents)
        master_id, other_id = str(master[table.primary_id]), str(other[table.primary_id])
        values = {name: value for name, value in content.items() if name not in {"@odata.type", table.primary_id}}
        extra = {
            "SubordinateId": other_id,
            "UpdateContent": (table, master_id, self._writer.values(table, values)),
            "PerformParentingChecks": checks_parents,
        }
        with self._writer.telling("Merge", table, master_id, before=master, after=dict(master), extra=extra) as change:
            if values:
                self._writer.nested.update(table, master, values)
            self._move(table, other_id, master_id)
            self._retire(table, other, master_id)
            assert change.after is not None
            change.after.update(self._env.store.get(table, master_id) or {})

    def _table(self, target: Body) -> Table:
        name = str(target.get("@odata.type", "")).lstrip("#").removeprefix(errors.TYPE)
        if name not in MERGED:
            raise errors.invalid_argument(f"Rows of '{name}' cannot be merged.")
        return self._env.table(name)

    def _row(self, table: Table, named: Body) -> Row:
        row_id = named.get(table.primary_id)
        if not isinstance(row_id, str) or not GUID.fullmatch(row_id):
            raise errors.invalid_argument(f"A merge names its rows by '{table.primary_id}'.")
        row = self._env.store.get(table, row_id.lower())
        if row is None:
            raise errors.no_such_row(table.name, row_id.lower())
        return row

    def _check(self, table: Table, master: Row, other: Row, *, checks_parents: bool) -> None:
        if master[table.primary_id] == other[table.primary_id]:
            raise errors.invalid_argument("A row cannot be merged with itself.")
        if master["statecode"] != 0 or other["statecode"] != 0:
            raise errors.invalid_argument("Only active rows can be merged.")
        parent = _PARENTS[table.name]
        if checks_parents and master[parent] != other[parent]:
            raise errors.invalid_argument("The two rows have different parents.")

    def _move(self, table: Table, other_id: str, master_id: str) -> None:
        for end in table.collections.values():
            child = self._env.schema.table(end.table)
            if child is None or not end.merges:
                continue
            column = child.columns[end.column]
            for row in self._env.store.find(child, {column.name: other_id}):
                if not column.polymorphic or row[target_column(column)] == table.name:
                    self._relink(child, row, column.name, table, master_id)

    def _relink(self, child: Table, row: Row, name: str, table: Table, master_id: str) -> None:
        values: Row = {}
        # The master may be a child of the row that is merged into it: it loses that parent.
        own = child is table and row[child.primary_id] == master_id
        link(values, child.columns[name], None if own else table, None if own else master_id)
        self._writer.nested.set(child, row, values)

    def _retire(self, table: Table, other: Row, master_id: str) -> None:
        values: Row = {"statecode": 1, "statuscode": 2, "merged": 1}
        link(values, table.columns["masterid"], table, master_id)
        current = self._env.store.get(table, str(other[table.primary_id]))
        assert current is not None
        self._writer.nested.set(table, current, values)
