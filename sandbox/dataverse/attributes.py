"""Column definitions: from the JSON the metadata API is given, and as it gives them back."""

from sandbox.dataverse import errors
from sandbox.dataverse.labels import inner, label, label_text, managed
from sandbox.dataverse.schema import Column, Option, Table

Json = dict[str, object]
_KINDS = {
    "String": "String",
    "Memo": "Memo",
    "Integer": "Integer",
    "BigInt": "BigInt",
    "Decimal": "Decimal",
    "Double": "Double",
    "Money": "Money",
    "DateTime": "DateTime",
    "Boolean": "Boolean",
    "Picklist": "Picklist",
    "Lookup": "Lookup",
    "State": "State",
    "Status": "Status",
    "Uniqueidentifier": "UniqueIdentifier",
    "Customer": "Lookup",
    "Owner": "Lookup",
    "EntityName": "EntityName",
    "Image": "Image",
}
_CREATABLE = {"String", "Memo", "Integer", "BigInt", "Decimal", "Double", "Money", "DateTime", "Boolean", "Picklist"}
_LIMITS = {
    "Integer": (-(2**31), 2**31 - 1),
    "Decimal": (-100_000_000_000, 100_000_000_000),
    "Double": (-100_000_000_000, 100_000_000_000),
    "Money": (-922_337_203_685_477, 922_337_203_685_477),
}
_TEXT_LIMIT = {"String": 4000, "Memo": 1_048_576}
_PRECISION = {"Decimal": 10, "Double": 5, "Money": 4}


def metadata_type(column: Column) -> str:
    """`Microsoft.Dynamics.CRM.StringAttributeMetadata` and so on."""
    return f"{errors.TYPE}{_KINDS[column.type]}AttributeMetadata"


def column_from(body: Json, first_option: int) -> Column:
    """The column a definition describes; `first_option` is the value of the first option without one.

    Raises DataverseError 0x80040203 for a definition out of its limits, and Unsupported for a type that this
    stand-in cannot create.
    """
    kind = str(body.get("@odata.type", "")).lstrip("#").removeprefix(errors.TYPE).removesuffix("AttributeMetadata")
    if kind not in _CREATABLE:
        text = f"A column of type '{body.get('@odata.type')}' cannot be created here."
        raise errors.Unsupported("column type", str(body.get("@odata.type")), errors.invalid_argument(text))
    schema_name = body.get("SchemaName")
    if not isinstance(schema_name, str) or not schema_name:
        raise errors.invalid_argument("A column needs a SchemaName.")
    column = Column(name=schema_name.lower(), schema_name=schema_name, type=kind, custom=True)
    column.required = str(inner(body.get("RequiredLevel"), "None"))
    column.definition = {name: body[name] for name in ("DisplayName", "Description") if name in body}
    _text_limits(column, body)
    _number_limits(column, body)
    if kind == "DateTime":
        column.format = str(body.get("Format") or "DateAndTime")
        column.behavior = str(inner(body.get("DateTimeBehavior"), "UserLocal"))
    if kind in {"Boolean", "Picklist"}:
        column.options = _options(kind, body, first_option)
        column.default = _default(kind, body)
    return column


def _text_limits(column: Column, body: Json) -> None:
    if column.type not in _TEXT_LIMIT:
        return
    length = body.get("MaxLength", 100 if column.type == "String" else 2000)
    if not isinstance(length, int) or not 1 <= length <= _TEXT_LIMIT[column.type]:
        raise errors.invalid_argument(f"The MaxLength {length} of '{column.name}' is out of range.")
    column.max_length = length
    column.format = str(inner(body.get("FormatName")) or body.get("Format") or "Text")


def _number_limits(column: Column, body: Json) -> None:
    if column.type not in _LIMITS:
        return
    low, high = _LIMITS[column.type]
    given = [body.get("MinValue"), body.get("MaxValue")]
    least, most = (
        float(str(low if given[0] is None else given[0])),
        float(str(high if given[1] is None else given[1])),
    )
    if least < low or most > high or least > most:
        raise errors.invalid_argument(f"The limits {least} to {most} of '{column.name}' are out of range.")
    column.minimum_value, column.maximum_value = least, most
    source = body.get("PrecisionSource", 2) if column.type == "Money" else 0
    if source not in (0, 1, 2):
        raise errors.invalid_argument(f"The PrecisionSource {source} of '{column.name}' is none of 0, 1 and 2.")
    column.definition["PrecisionSource"] = source
    # Other sources are the organization's pricing precision and the currency's, both 2 here.
    precision = body.get("Precision", 2) if source == 0 else 2
    if column.type in _PRECISION:
        if not isinstance(precision, int) or not 0 <= precision <= _PRECISION[column.type]:
            raise errors.invalid_argument(f"The Precision {precision} of '{column.name}' is out of range.")
        column.precision = precision


def _options(kind: str, body: Json, first: int) -> dict[int, Option]:
    given = body.get("OptionSet")
    given = given if isinstance(given, dict) else {}
    if kind == "Boolean":
        pairs = ((1, given.get("TrueOption"), "Yes"), (0, given.get("FalseOption"), "No"))
        return {v: Option(label=label_text((o or {}).get("Label"), text)) for v, o, text in pairs}
    if given.get("IsGlobal") or "GlobalOptionSet@odata.bind" in body:
        error = errors.invalid_argument("Global choices are not available.")
        raise errors.Unsupported("metadata", "global option set", error)
    options: dict[int, Option] = {}
    for item in given.get("Options") or []:
        value = item.get("Value")
        number = first + len(options) if value is None else value
        if not isinstance(number, int) or number in options:
            raise errors.invalid_argument(f"The option value {number} appears twice or is no number.")
        options[number] = Option(label=label_text(item.get("Label")))
    return options


def _default(kind: str, body: Json) -> int | None:
    if kind == "Boolean":
        return int(bool(body.get("DefaultValue")))
    value = body.get("DefaultFormValue")
    return value if isinstance(value, int) and value >= 0 else None


def attribute_json(table: Table, column: Column) -> Json:
    """A column as the metadata API gives it."""
    wanted = {"ApplicationRequired": "ApplicationRequired", "SystemRequired": "SystemRequired"}
    required = wanted.get(column.required or "", column.required or "None")
    return {
        "@odata.type": f"#{metadata_type(column)}",
        "MetadataId": column.metadata_id,
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "AttributeOf": None,
        "IsCustomAttribute": column.custom,
        "IsManaged": False,
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsLogical": False,
        "IsValidForCreate": column.settable,
        "IsValidForRead": True,
        "IsValidForUpdate": column.settable and column.name != table.primary_id,
        "RequiredLevel": managed(required, "canmodifyrequirementlevelsettings"),
        "DisplayName": column.definition.get("DisplayName") or label(column.schema_name),
        "Description": column.definition.get("Description") or label(""),
        **_typed(column),
    }


BASE_PROPERTIES = {
    "MetadataId",
    "LogicalName",
    "SchemaName",
    "EntityLogicalName",
    "AttributeType",
    "AttributeTypeName",
    "AttributeOf",
    "IsCustomAttribute",
    "IsManaged",
    "IsPrimaryId",
    "IsPrimaryName",
    "IsLogical",
    "IsValidForCreate",
    "IsValidForRead",
    "IsValidForUpdate",
    "RequiredLevel",
    "DisplayName",
    "Description",
}


def _typed(column: Column) -> Json:
    match column.type:
        case "String":
            text = column.format or "Text"
            return {"MaxLength": column.max_length, "Format": text, "FormatName": {"Value": text}}
        case "Memo":
            return {"MaxLength": column.max_length, "Format": "TextArea"}
        case "Integer":
            return {
                "MinValue": _whole(column.minimum_value),
                "MaxValue": _whole(column.maximum_value),
                "Format": "None",
            }
        case "Decimal" | "Double" | "Money":
            limits = {"MinValue": column.minimum_value, "MaxValue": column.maximum_value}
            shown: Json = {**limits, "Precision": 2 if column.precision is None else column.precision}
            if column.type == "Money":
                source = column.definition.get("PrecisionSource", 2)
                shown |= {"PrecisionSource": source, "IsBaseCurrency": column.base}
            return shown
        case "DateTime":
            behavior = {"Value": column.behavior or "UserLocal"}
            return {"Format": column.format or "DateAndTime", "DateTimeBehavior": behavior}
        case "Boolean":
            return {"DefaultValue": bool(column.default)}
        case "Picklist":
            return {"DefaultFormValue": -1 if column.default is None else column.default}
        case "Lookup" | "Customer" | "Owner":
            return {"Targets": column.targets}
    return {}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def option_set_json(column: Column) -> Json:
    """The `OptionSet` of a choice, state, status or boolean column."""
    options = [
        {"Value": value, "Label": label(option.label), **({} if option.state is None else {"State": option.state})}
        for value, option in sorted(column.options.items())
    ]
    if column.type == "Boolean":
        by_value = {int(str(option["Value"])): option for option in options}
        texts = {1: "Yes", 0: "No"}
        pair = {v: by_value.get(v) or {"Value": v, "Label": label(text)} for v, text in texts.items()}
        return {"OptionSetType": "Boolean", "TrueOption": pair[1], "FalseOption": pair[0]}
    return {"Name": column.name, "IsGlobal": False, "OptionSetType": column.type, "Options": options}
