"""Rows and values in the JSON of .NET's DataContractJsonSerializer, as webhooks carry them."""

from datetime import UTC, datetime
from decimal import Decimal

from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.store import Row, Store, target_column
from sandbox.dataverse.values import formatted

Json = dict[str, object]
CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"


def date(moment: datetime, offset: str = "") -> str:
    """A moment as .NET's serializer has it, in milliseconds of UTC."""
    return f"/Date({int(moment.timestamp() * 1000)}{offset})/"


def pair(key: str, value: object) -> Json:
    """One member of a collection of pairs."""
    return {"key": key, "value": value}


def option(value: object) -> Json:
    """A choice, a state or a status."""
    return {"__type": f"OptionSetValue:{CONTRACTS}", "Value": value}


def reference(table: str, row_id: str, name: str | None = None, *, typed: bool = True) -> Json:
    """A row named by its id; without a type where the type is the member's own."""
    kind = {"__type": f"EntityReference:{CONTRACTS}"} if typed else {}
    return kind | {"Id": row_id, "KeyAttributes": [], "LogicalName": table, "Name": name, "RowVersion": None}


class Values:
    """Makes the values of one store's rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, table: Table, name: str, row: Row, *, named: bool = False) -> object:
        """The value of a column; lookups `named` by the row they lead to."""
        column, value = table.columns[name], row[name]
        if value is None:
            return None
        match column.type:
            case "Lookup" | "Customer" | "Owner":
                target = _led_to(column, row)
                return reference(target, str(value), self._name(target, str(value)) if named else None)
            case "Picklist" | "State" | "Status":
                return option(value)
            case "Money":
                return {"__type": f"Money:{CONTRACTS}", "Value": _plain(value)}
            case "Decimal":
                return _plain(value)
            case "Boolean":
                return bool(value)
            case "DateTime":
                moment = datetime.fromisoformat(str(value))
                return date(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        return value

    def text(self, column: Column, row: Row) -> str | None:
        """What a person would see, None where the value is its own text."""
        if column.is_lookup:
            return self._name(_led_to(column, row), str(row[column.name]))
        return formatted(column, row[column.name])

    def _name(self, target: str, row_id: str) -> str | None:
        table = self._store.schema.table(target)
        row = self._store.get(table, row_id) if table and table.primary_name else None
        return str(row[table.primary_name]) if table and row and row[table.primary_name] is not None else None


def entity(
    table: Table, row_id: str, attributes: list[Json], texts: list[Json] | None = None, *, typed: bool = True
) -> Json:
    """A row with some attributes; without a type in images and collections, whose type is their member's own."""
    kind = {"__type": f"Entity:{CONTRACTS}"} if typed else {}
    return kind | {
        "Attributes": attributes,
        "EntityState": None,
        "FormattedValues": texts or [],
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table.name,
        "RelatedEntities": [],
        "RowVersion": None,
    }


def _led_to(column: Column, row: Row) -> str:
    return str(row[target_column(column)]) if column.polymorphic else column.targets[0]


def _plain(value: object) -> Decimal:
    """A number without the zeros at its end."""
    return Decimal(format(Decimal(str(value)).normalize(), "f"))
