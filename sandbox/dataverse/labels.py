"""Labels and the small wrapped values of metadata JSON."""

LANGUAGE = 1033


def label(text: str) -> dict[str, object]:
    """A label in the base language."""
    localized = {"Label": text, "LanguageCode": LANGUAGE, "IsManaged": False, "HasChanged": None}
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


def label_text(value: object, otherwise: str = "") -> str:
    """The base-language text of a label that a client sent."""
    if isinstance(value, dict):
        for item in value.get("LocalizedLabels") or []:
            if item.get("LanguageCode", LANGUAGE) == LANGUAGE and item.get("Label"):
                return str(item["Label"])
    return otherwise


def inner(value: object, otherwise: object = None) -> object:
    """The value inside `{"Value": ...}`."""
    return value.get("Value", otherwise) if isinstance(value, dict) else otherwise


def managed(value: object, name: str) -> dict[str, object]:
    """A managed property."""
    return {"Value": value, "CanBeChanged": True, "ManagedPropertyLogicalName": name}
