"""`$metadata`: the tables as CSDL XML, namespace Microsoft.Dynamics.CRM."""

from xml.sax.saxutils import quoteattr

from sandbox.dataverse.schema import Schema, Table
from sandbox.dataverse.values import edm

_NS = "mscrm"


def csdl(schema: Schema) -> str:
    """The whole document: entity types with properties and navigation, and one container of entity sets."""
    types = "".join(_entity_type(schema, table) for table in schema)
    sets = "".join(
        f"<EntitySet Name={quoteattr(table.entity_set_name)} EntityType={quoteattr(f'{_NS}.{table.name}')}/>"
        for table in schema
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="Microsoft.Dynamics.CRM" Alias="{_NS}" '
        f'xmlns="http://docs.oasis-open.org/odata/ns/edm">{types}'
        f'<EntityContainer Name="System">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    )


def _entity_type(schema: Schema, table: Table) -> str:
    key = f"<Key><PropertyRef Name={quoteattr(table.primary_id)}/></Key>"
    properties = "".join(
        f"<Property Name={quoteattr(column.property_name)} Type={quoteattr(edm(column))}/>"
        for column in table.columns.values()
    )
    parents = "".join(
        f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr(f'{_NS}.{end.table}')}/>"
        for name, end in table.navigation.items()
        if schema.table(end.table)
    )
    children = "".join(
        f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr(f'Collection({_NS}.{end.table})')}/>"
        for name, end in table.collections.items()
    )
    return f"<EntityType Name={quoteattr(table.name)}>{key}{properties}{parents}{children}</EntityType>"
