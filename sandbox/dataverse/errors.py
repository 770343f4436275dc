"""The errors Dataverse answers with: HTTP status, code and sentence, one function for each kind met here."""

import uuid
from collections.abc import Sequence

TYPE = "Microsoft.Dynamics.CRM."


class DataverseError(Exception):
    """A refusal, to be sent as `{"error": {"code", "message"}}` with `status` and `headers`."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def body(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": self.message}}


class Unsupported(DataverseError):
    """Something the real system may know and this stand-in does not: refused, and listed among the gaps."""

    def __init__(self, kind: str, what: str, error: DataverseError) -> None:
        super().__init__(error.status, error.code, error.message)
        self.kind, self.what = kind, what


def bad_query(message: str) -> DataverseError:
    return DataverseError(400, "0x80060888", message)


def bad_payload(entity_set: str, message: str) -> DataverseError:
    lead = (
        f"Error identified in Payload provided by the user for Entity :'{entity_set}', For more information on this "
        "error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293"
    )
    inner = f"InnerException : Microsoft.OData.ODataException: {message}"
    return DataverseError(400, "0x80048d19", f"{lead} ----> {inner}")


def invalid_argument(message: str) -> DataverseError:
    return DataverseError(400, "0x80040203", message)


def unknown_property(name: str, table: str) -> DataverseError:
    return bad_query(f"Could not find a property named '{name}' on type '{TYPE}{table}'.")


def invalid_property(entity_set: str, name: str, table: str) -> DataverseError:
    return bad_payload(entity_set, f"Invalid property '{name}' was found in entity '{TYPE}{table}'.")


def annotation_only(entity_set: str, name: str) -> DataverseError:
    return bad_payload(
        entity_set,
        f"An undeclared property '{name}' which only has property annotations in "
        "the payload but no property value was found in the payload. In OData, only declared navigation "
        "properties and declared named streams can be represented as properties without values.",
    )


def wrong_type(entity_set: str, value: object, edm: str) -> DataverseError:
    return bad_payload(entity_set, f"Cannot convert the literal '{value}' to the expected type '{edm}'.")


def too_long(column: str, table: str, limit: int) -> DataverseError:
    text = "A validation error occurred.  The length of the '{}' attribute of the '{}' entity exceeded the maximum"
    return DataverseError(400, "0x80044331", f"{text.format(column, table)} allowed length of '{limit}'.")


def out_of_range(column: str, table: str, code: str) -> DataverseError:
    text = f"A validation error occurred.  The value of '{column}' on record of type '{table}' is outside"
    return DataverseError(400, code, f"{text} the valid range.")


def bad_option(column: str, table: str, value: int, options: Sequence[int]) -> DataverseError:
    known = ",".join(map(str, options))
    text = f"A validation error occurred.  The value {value} of '{column}' on record of type '{table}' is outside"
    return DataverseError(400, "0x8004431a", f"{text} the valid range. Accepted Values: {known}")


def bad_status(status: int, state: int, table: str, row_id: str) -> DataverseError:
    text = f"{status} is not a valid status code for state code {state} on {table} with Id {row_id}."
    return DataverseError(400, "0x80048408", text)


def no_such_row(table: str, row_id: str) -> DataverseError:
    return DataverseError(404, "0x80040217", f"{table} With Id = {row_id} Does Not Exist")


def no_such_key_value(table: str) -> DataverseError:
    text = f"A record with the specified key values does not exist in {table} entity"
    return DataverseError(404, "0x80060891", text)


def bad_key(table: str) -> DataverseError:
    full = f"'{TYPE}{table}'"
    return bad_query(
        f"The key in the request URI is not valid for resource {full}. Ensure that the names and number of key "
        f"properties match the declared or alternate key properties for the resource {full}."
    )


def no_segment(name: str) -> DataverseError:
    return DataverseError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def duplicate_key(key: str, columns: Sequence[str]) -> DataverseError:
    text = f"Entity Key {key} violated. A record with the same value for {', '.join(columns)} already exists."
    tail = "A duplicate record cannot be created. Select one or more unique values and try again."
    return DataverseError(412, "0x80060892", f"{text} {tail}")


def duplicate_row() -> DataverseError:
    return DataverseError(412, "0x80040237", "Cannot insert duplicate key.")


def already_there() -> DataverseError:
    return DataverseError(412, "0x80040237", "A record with matching key values already exists.")


def stale() -> DataverseError:
    text = "The version of the existing record doesn't match the RowVersion property provided."
    return DataverseError(412, "0x80060882", text)


def not_allowed(message: str) -> DataverseError:
    return DataverseError(405, "0x80060888", message)


def privilege_denied(user_id: str, privilege: str, table: str, code: int | None) -> DataverseError:
    privilege_id = uuid.uuid5(uuid.NAMESPACE_OID, privilege.lower())
    who = f"Principal user (Id={user_id}, type=8, roleCount=1) is missing {privilege} privilege (Id={privilege_id})"
    return DataverseError(403, "0x80040220", f"{who} on OTC={code} for entity '{table}'.")


def not_a_member() -> DataverseError:
    return DataverseError(403, "0x80072560", "The user is not a member of the organization.")


def customer_inactive(table: str) -> DataverseError:
    return DataverseError(400, "0x80040517", f"The {table} set as customer is inactive.")


def plugin_threw(message: str) -> DataverseError:
    return DataverseError(400, "0x80040265", message)


def infinite_loop() -> DataverseError:
    text = "This workflow job was canceled because the workflow that started it included an infinite loop."
    return DataverseError(400, "0x80044182", f"{text} Correct the workflow logic and try again.")


def expired_stamp() -> DataverseError:
    text = "Version stamp associated with the client has expired. Please perform a full sync."
    return DataverseError(400, "0x80044352", text)
