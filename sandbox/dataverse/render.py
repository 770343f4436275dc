"""Rows as JSON: properties, annotations, ETags, context URLs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandbox.dataverse.filters import property_of
from sandbox.dataverse.odata import split_outside
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.store import Row, Store, quoted, target_column
from sandbox.dataverse.values import formatted, sent
from sandbox.dataverse.wire import Preferences

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def selected(table: Table, text: str | None) -> list[Column]:
    """The columns of a `$select`, all for None, with those the platform adds on its own.

    Raises DataverseError 0x80060888 for a name that is no property.
    """
    if text is None:
        return list(table.columns.values())
    columns = {c.name: c for c in (property_of(table, name) for name in split_outside(text, ","))}
    columns.setdefault(table.primary_id, table.columns[table.primary_id])
    for column in list(columns.values()):
        extra = _extra(table, column)
        if extra in table.columns:
            columns.setdefault(extra, table.columns[extra])
    return list(columns.values())


def _extra(table: Table, column: Column) -> str:
    if column.type == "Money":
        return "transactioncurrencyid"
    prefix, _, rest = column.name.partition("_")
    return f"{prefix}_composite" if rest and f"{prefix}_composite" in table.columns else ""


def sql_columns(table: Table, columns: Iterable[Column], alias: str = "t") -> str:
    """The SELECT list that fetches these columns, with the id and version every row needs."""
    names = {table.primary_id: None, "versionnumber": None}
    for column in columns:
        names[column.name] = None
        if column.polymorphic:
            names[target_column(column)] = None
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)


def etag(row: Row) -> str:
    """The ETag of a row: its version."""
    return f'W/"{row["versionnumber"]}"'


@dataclass
class Renderer:
    """Makes JSON of rows, looking up names of linked rows once each."""

    store: Store
    prefer: Preferences
    _names: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _symbols: dict[str, str] = field(default_factory=dict)

    def row(self, table: Table, columns: Sequence[Column], row: Row) -> dict[str, object]:
        """One row with these columns."""
        out: dict[str, object] = {"@odata.etag": etag(row)}
        texts, names = self.prefer.wants(FORMATTED), self.prefer.wants(LOGICAL_NAME)
        ways = self.prefer.wants(NAVIGATION)
        for column in columns:
            value = row[column.name]
            name = column.property_name
            if column.is_lookup:
                target = self._target(column, row) if value is not None else None
                if target:
                    if texts and (label := self._label(target, str(value))) is not None:
                        out[f"{name}@{FORMATTED}"] = label
                    if ways:
                        out[f"{name}@{NAVIGATION}"] = table.navigation_of(column.name, target)
                    if names:
                        out[f"{name}@{LOGICAL_NAME}"] = target
            elif texts and (text := self._text(column, row)) is not None:
                out[f"{name}@{FORMATTED}"] = text
            out[name] = sent(column, value)
        return out

    def _target(self, column: Column, row: Row) -> str:
        return str(row[target_column(column)]) if column.polymorphic else column.targets[0]

    def _text(self, column: Column, row: Row) -> str | None:
        if column.type == "Money":
            return formatted(column, row[column.name], self._symbol(row.get("transactioncurrencyid")))
        return formatted(column, row[column.name])

    def _label(self, target: str, row_id: str) -> str | None:
        if (target, row_id) not in self._names:
            table = self.store.schema.table(target)
            found = self.store.get(table, row_id) if table and table.primary_name else None
            name = found[table.primary_name] if table and found else None
            self._names[target, row_id] = None if name is None else str(name)
        return self._names[target, row_id]

    def _symbol(self, currency: object) -> str:
        key = str(currency)
        if key not in self._symbols:
            table = self.store.schema.table("transactioncurrency")
            found = self.store.get(table, key) if table else None
            self._symbols[key] = str(found["currencysymbol"]) if found else "$"
        return self._symbols[key]


def context(root: str, what: str, select: str | None = None, expands: Sequence[str] = ()) -> str:
    """The `@odata.context` of an answer."""
    parts = [*(split_outside(select, ",") if select else []), *expands]
    return f"{root}/$metadata#{what}" + (f"({','.join(parts)})" if parts else "")
