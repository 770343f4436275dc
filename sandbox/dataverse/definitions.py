"""Table and key definitions: from the JSON the metadata API is given, and as it gives them back."""

import uuid

from sandbox.dataverse import errors
from sandbox.dataverse.attributes import Json, attribute_json, column_from
from sandbox.dataverse.labels import inner, label, managed
from sandbox.dataverse.schema import Column, Key, Navigation, Option, Table

MAX_KEYS, MAX_KEY_COLUMNS, MAX_KEY_BYTES, MAX_KEY_NAME = 10, 16, 900, 100
_KEY_TYPES = {"String", "Integer", "Decimal", "DateTime", "Lookup", "Picklist"}


def plural(name: str) -> str:
    """The entity set name of a logical name, by English rules."""
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "z", "ch", "sh")) else "s")


def table_json(table: Table) -> Json:
    """A table as `EntityDefinitions` gives it."""
    return {
        "MetadataId": table.metadata_id,
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.entity_set_name,
        "LogicalCollectionName": table.entity_set_name,
        "CollectionSchemaName": table.entity_set_name,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name or None,
        "ObjectTypeCode": table.object_type_code,
        "OwnershipType": table.ownership,
        "TableType": "Standard",
        "IsCustomEntity": table.custom,
        "IsActivity": False,
        "IsPrivate": False,
        "IsManaged": False,
        "IsOptimisticConcurrencyEnabled": True,
        "ChangeTrackingEnabled": table.change_tracking,
        "CanChangeTrackingBeEnabled": managed(True, "canchangetrackingbeenabled"),
        "DisplayName": table.definition.get("DisplayName") or label(table.schema_name),
        "DisplayCollectionName": table.definition.get("DisplayCollectionName") or label(table.entity_set_name),
        "Description": table.definition.get("Description") or label(""),
    }


def table_from(body: Json, type_code: int, first_option: int) -> Table:
    """The table a definition describes. Raises DataverseError 0x80040203 when it lacks something."""
    schema_name = body.get("SchemaName")
    attributes = body.get("Attributes")
    if not isinstance(schema_name, str) or not isinstance(attributes, list):
        raise errors.invalid_argument("A table needs a SchemaName and Attributes.")
    ownership = str(body.get("OwnershipType", "UserOwned"))
    _check_kind(body, ownership)
    name = schema_name.lower()
    columns = _standard_columns(name, ownership)
    primary = ""
    for item in attributes:
        column = column_from(item, first_option)
        column.metadata_id = str(uuid.uuid4())
        columns[column.name] = column
        primary = column.name if item.get("IsPrimaryName") else primary
    if not primary or columns[primary].type != "String":
        raise errors.invalid_argument("A table needs one String column with IsPrimaryName.")
    lookups = [column for column in columns.values() if column.is_lookup]
    return Table(
        name=name,
        schema_name=schema_name,
        entity_set_name=plural(name),
        primary_id=f"{name}id",
        primary_name=primary,
        object_type_code=type_code,
        ownership=ownership,
        columns=columns,
        navigation={
            c.name: Navigation(table="principal" if c.type == "Owner" else c.targets[0], column=c.name) for c in lookups
        },
        change_tracking=bool(body.get("ChangeTrackingEnabled", False)),
        custom=True,
        metadata_id=str(uuid.uuid4()),
        definition=labels_of(body),
    )


def labels_of(body: Json) -> Json:
    """The labels among what a definition says."""
    return {name: body[name] for name in ("DisplayName", "DisplayCollectionName", "Description") if name in body}


def _check_kind(body: Json, ownership: str) -> None:
    if ownership not in {"UserOwned", "OrganizationOwned"}:
        raise errors.invalid_argument(f"The OwnershipType '{ownership}' is neither UserOwned nor OrganizationOwned.")
    plain = {"IsActivity": False, "TableType": "Standard"}
    for name, value in plain.items():
        if body.get(name) not in {value, None}:
            error = errors.invalid_argument(f"A table with {name} = {body[name]} cannot be created here.")
            raise errors.Unsupported("metadata", f"{name} = {body[name]}", error)


def check_relationship(body: Json) -> None:
    """Raises DataverseError for a relationship that cannot be made; only links that are removed are imitated."""
    kind = str(body.get("@odata.type", "")).lstrip("#").removeprefix(errors.TYPE)
    if kind != "OneToManyRelationshipMetadata":
        error = errors.invalid_argument(f"A relationship of type '{kind}' cannot be created here.")
        raise errors.Unsupported("metadata", kind, error)
    lookup = body.get("Lookup")
    if not isinstance(body.get("SchemaName"), str) or not isinstance(lookup, dict):
        raise errors.invalid_argument("A relationship needs a SchemaName and a Lookup.")
    if not isinstance(lookup.get("SchemaName"), str):
        raise errors.invalid_argument("The Lookup of a relationship needs a SchemaName.")
    cascades = body.get("CascadeConfiguration")
    for name, value in (cascades if isinstance(cascades, dict) else {}).items():
        if value not in {"RemoveLink" if name == "Delete" else "NoCascade", None} and not name.startswith("@"):
            error = errors.invalid_argument(f"The cascade {name} = {value} is not available.")
            raise errors.Unsupported("metadata", f"cascade {name} = {value}", error)


def lookup_from(body: Json, target: Table) -> Column:
    """The lookup that a relationship describes."""
    name = str(body["SchemaName"])
    column = Column(name=name.lower(), schema_name=name, type="Lookup", targets=[target.name], custom=True)
    column.required = str(inner(body.get("RequiredLevel"), "None"))
    column.definition = labels_of(body)
    return column


def _standard_columns(name: str, ownership: str) -> dict[str, Column]:
    stamp = {"type": "DateTime", "format": "DateAndTime"}
    user = {"type": "Lookup", "targets": ["systemuser"]}
    columns: dict[str, dict[str, object]] = {
        f"{name}id": {"type": "Uniqueidentifier", "required": "SystemRequired"},
        "createdon": {**stamp, "readOnly": True},
        "createdby": {**user, "readOnly": True},
        "modifiedon": {**stamp, "readOnly": True},
        "modifiedby": {**user, "readOnly": True},
        "overriddencreatedon": dict(stamp),
        "importsequencenumber": {"type": "Integer"},
        "versionnumber": {"type": "BigInt", "readOnly": True},
        "statecode": {"type": "State", "options": {0: Option(label="Active"), 1: Option(label="Inactive")}},
        "statuscode": {
            "type": "Status",
            "options": {1: Option(label="Active", state=0), 2: Option(label="Inactive", state=1)},
        },
    }
    if ownership == "UserOwned":
        columns["ownerid"] = {"type": "Owner", "targets": ["systemuser", "team"]}
        columns["owninguser"] = {**user, "readOnly": True}
        columns["owningteam"] = {"type": "Lookup", "targets": ["team"], "readOnly": True}
        columns["owningbusinessunit"] = {"type": "Lookup", "targets": ["businessunit"], "readOnly": True}
    return {key: Column.model_validate({**value, "name": key}) for key, value in columns.items()}


def key_from(table: Table, body: Json, reads: int) -> Key:
    """The alternate key a definition describes, not yet built.

    Raises DataverseError 0x80040203: no such column, a type keys do not take, or more than 10 keys, 16 columns,
    900 bytes (two a character) or 100 characters of a name.
    """
    schema_name, columns = body.get("SchemaName"), body.get("KeyAttributes")
    if not isinstance(schema_name, str) or not isinstance(columns, list) or not columns:
        raise errors.invalid_argument("A key needs a SchemaName and KeyAttributes.")
    if len(schema_name) > MAX_KEY_NAME:
        raise errors.invalid_argument(f"The SchemaName of a key takes {MAX_KEY_NAME} characters at most.")
    name = schema_name.lower()
    if name in table.keys or any(key.columns == columns for key in table.keys.values()):
        raise errors.invalid_argument(f"An entity key '{schema_name}' already exists or is not unique.")
    if len(table.keys) >= MAX_KEYS or len(columns) > MAX_KEY_COLUMNS:
        raise errors.invalid_argument(f"A table takes {MAX_KEYS} keys of {MAX_KEY_COLUMNS} columns at most.")
    size = sum(_key_bytes(table, str(column)) for column in columns)
    if size > MAX_KEY_BYTES:
        raise errors.invalid_argument(f"The key of {size} bytes exceeds the limit of {MAX_KEY_BYTES} bytes.")
    return Key(
        logical_name=name,
        schema_name=schema_name,
        columns=columns,
        metadata_id=str(uuid.uuid4()),
        reads_left=reads,
        definition={"DisplayName": body.get("DisplayName") or label(schema_name)},
    )


def _key_bytes(table: Table, name: str) -> int:
    column = table.columns.get(name)
    if column is None:
        raise errors.invalid_argument(f"The attribute '{name}' does not exist on '{table.name}'.")
    if column.type not in _KEY_TYPES:
        raise errors.invalid_argument(f"An attribute of type {column.type} cannot be part of a key.")
    return 2 * (column.max_length or 0) if column.is_text else 16


def key_json(table: Table, key: Key) -> Json:
    """A key as the metadata API gives it."""
    return {
        "MetadataId": key.metadata_id,
        "LogicalName": key.logical_name,
        "SchemaName": key.schema_name,
        "EntityLogicalName": table.name,
        "KeyAttributes": key.columns,
        "EntityKeyIndexStatus": key.status,
        "DisplayName": key.definition["DisplayName"],
        "IsManaged": False,
    }


def expanded_attributes(table: Table) -> list[Json]:
    """All columns of a table, by name."""
    return [attribute_json(table, column) for _, column in sorted(table.columns.items())]
