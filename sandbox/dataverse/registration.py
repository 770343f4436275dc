"""The rules of registering a webhook: service endpoints, processing steps, their images, and system jobs."""

from urllib.parse import urlsplit
from xml.etree import ElementTree

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row

WEBHOOK = 8
KEY, HEADER, QUERY = 4, 5, 6
"""The kinds of authentication a webhook can have."""
POST_OPERATION = 40
BEFORE, AFTER, BOTH = 0, 1, 2
"""The kinds of image."""
ASYNCHRONOUS = 1
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SILENT = {"Win", "Lose"}
"""Messages that steps can be registered on, and that nothing here raises."""
_STAGES = {10, 20, POST_OPERATION}
# The property that holds the row, by message; tools register "Id" for Create, the table reference says "Target".
_IMAGED = {
    "Create": {"Target", "Id"},
    "SetState": {"EntityMoniker"},
    "SetStateDynamicEntity": {"EntityMoniker"},
    **{name: {"Target"} for name in ("Update", "Delete", "Assign", "Merge")},
}


def check_endpoint(_: Environment, row: Row, changes: Row) -> None:
    """Raises DataverseError 0x80040203 for an endpoint that is no webhook, another port than 80 and 443, or
    settings that cannot be read."""
    if row.get("contract") is None:
        raise errors.invalid_argument("A service endpoint needs a contract.")
    if row["contract"] != WEBHOOK:
        error = errors.invalid_argument("Only webhooks can be registered here.")
        raise errors.Unsupported("service endpoint contract", str(row["contract"]), error)
    _check_url(str(row.get("url") or ""))
    _check_authentication(row)
    changes["isauthvalueset"] = int(row.get("authvalue") is not None)


def _check_url(text: str) -> None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise errors.invalid_argument(f"The URL '{text}' of the webhook is not valid.") from None
    if url.scheme not in _DEFAULT_PORTS or not url.hostname:
        raise errors.invalid_argument(f"The URL '{text}' of the webhook is not valid: http or https is needed.")
    if port not in {None, _DEFAULT_PORTS[url.scheme]}:
        raise errors.invalid_argument("Only the ports 80 (http) and 443 (https) can be used for a webhook.")


def _check_authentication(row: Row) -> None:
    if row.get("authtype") not in {KEY, HEADER, QUERY}:
        raise errors.invalid_argument("The authtype of a webhook is 4 (key), 5 (HTTP header) or 6 (query string).")
    if row.get("authvalue") is None:
        raise errors.invalid_argument("A webhook needs an authvalue.")
    if row["authtype"] != KEY:
        pairs(str(row["authvalue"]))


def pairs(text: str) -> list[tuple[str, str]]:
    """The names and values in `<settings><setting name="" value=""/></settings>`. Raises DataverseError."""
    try:
        root = ElementTree.fromstring(text)
        found = [(item.attrib["name"], item.attrib["value"]) for item in root.iterfind("setting")]
    except (ElementTree.ParseError, KeyError):
        root, found = None, []
    if root is None or root.tag != "settings" or not found:
        raise errors.invalid_argument("The authvalue must be <settings> with a <setting name= value=/> at least.")
    return found


def check_step(env: Environment, row: Row, _: Row) -> None:
    """Raises DataverseError 0x80040203 for a stage, mode, filter or list of columns that the message does not allow."""
    for name in ("stage", "mode"):
        if row.get(name) is None:
            raise errors.invalid_argument(f"A processing step needs a {name}.")
    if row["stage"] not in _STAGES:
        raise errors.invalid_argument(f"The stage {row['stage']} is reserved for the platform.")
    if row["mode"] == ASYNCHRONOUS and row["stage"] != POST_OPERATION:
        raise errors.invalid_argument("An asynchronous step can be registered in the stage PostOperation only.")
    if row.get("configuration") is not None:
        raise errors.invalid_argument("A configuration cannot be given to a webhook.")
    message, table = _message(env, row), filtered_table(env, row)
    if message.endswith("Multiple") and row["stage"] != POST_OPERATION:
        error = errors.invalid_argument("A step on a bulk message can be registered in the stage PostOperation only.")
        raise errors.Unsupported("step before", message, error)
    if message in _SILENT:
        env.gaps.note("event", message)
    listed = columns_of(row.get("filteringattributes"))
    if listed and message != "Update":
        raise errors.invalid_argument("Filtering attributes can be given to a step on Update only.")
    _check_columns(table, listed)


def _message(env: Environment, row: Row) -> str:
    """The name of a step's message. Raises DataverseError when its filter is another message's."""
    message = _linked(env, "sdkmessage", row["sdkmessageid"])
    if row.get("sdkmessagefilterid") is None:
        if message["name"] not in {"Associate", "Disassociate"}:
            error = errors.invalid_argument("The step needs a message filter that names a table.")
            raise errors.Unsupported("step on every table", str(message["name"]), error)
        return str(message["name"])
    if _linked(env, "sdkmessagefilter", row["sdkmessagefilterid"])["sdkmessageid"] != row["sdkmessageid"]:
        raise errors.invalid_argument("The message filter is not one of the step's message.")
    if message["name"] == "UpsertMultiple":
        error = errors.invalid_argument("No step can be registered on UpsertMultiple here.")
        raise errors.Unsupported("step on message", "UpsertMultiple", error)
    return str(message["name"])


def filtered_table(env: Environment, row: Row) -> Table | None:
    """The table that a step's message filter names."""
    if row.get("sdkmessagefilterid") is None:
        return None
    name = _linked(env, "sdkmessagefilter", row["sdkmessagefilterid"])["primaryobjecttypecode"]
    return env.schema.table(str(name))


def columns_of(text: object) -> list[str]:
    """The names in a comma-separated list, none for no list."""
    return [name.strip() for name in str(text or "").split(",") if name.strip()]


def _check_columns(table: Table | None, names: list[str]) -> None:
    for name in names:
        if table is None or name not in table.columns:
            raise errors.invalid_argument(f"The attribute '{name}' does not exist on the step's table.")


def check_image(env: Environment, row: Row, _: Row) -> None:
    """Raises DataverseError 0x80040203 for an image that the step's message or stage does not offer."""
    step = _linked(env, "sdkmessageprocessingstep", row["sdkmessageprocessingstepid"])
    message = _message(env, step)
    if row.get("imagetype") is None:
        raise errors.invalid_argument("An image needs an imagetype.")
    if message not in _IMAGED:
        raise errors.invalid_argument(f"Images are not supported for the message {message}.")
    if row["messagepropertyname"] not in _IMAGED[message]:
        raise errors.invalid_argument(f"The message {message} has no property '{row['messagepropertyname']}'.")
    before, after = row["imagetype"] in {BEFORE, BOTH}, row["imagetype"] in {AFTER, BOTH}
    if before and message == "Create":
        raise errors.invalid_argument("A Create has no pre image: there is no row before it.")
    if after and message == "Delete":
        raise errors.invalid_argument("A Delete has no post image: there is no row after it.")
    if after and step["stage"] != POST_OPERATION:
        raise errors.invalid_argument("A post image is offered in the stage PostOperation only.")
    _check_columns(filtered_table(env, step), columns_of(row.get("attributes")))


def check_job(env: Environment, row: Row, changes: Row) -> None:
    """Raises DataverseError unless a client's write to a system job cancels one that has not ended."""
    known = env.store.get(env.table("asyncoperation"), str(row["asyncoperationid"]))
    if known is None:
        raise errors.invalid_argument("System jobs are made by the platform only.")
    if changes.get("statuscode") != 32 or known["statecode"] == 3:
        error = errors.invalid_argument("A system job can be canceled only, and only before it has ended.")
        raise errors.Unsupported("system job", f"statuscode {changes.get('statuscode')}", error)


def _linked(env: Environment, table: str, row_id: object) -> Row:
    row = env.store.get(env.table(table), str(row_id))
    if row is None:
        raise errors.no_such_row(table, str(row_id))
    return row
