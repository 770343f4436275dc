"""What the tests of the Dataverse stand-in share: a signed-in client, batches, metadata bodies."""

from dataclasses import dataclass

import httpx

from sandbox.dataverse.server import Dataverse

CRM = "Microsoft.Dynamics.CRM."
ANNOTATED = {"Prefer": 'odata.include-annotations="*"'}


@dataclass
class Client:
    """An httpx client signed in as the application user, with the door beside it."""

    server: Dataverse
    api: httpx.AsyncClient
    door: httpx.AsyncClient

    def __getattr__(self, name):
        return getattr(self.api, name)

    async def create(self, entity_set, **values):
        """POST a row; the new id."""
        answer = await self.api.post(entity_set, json=values)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].split("(")[1].rstrip(")")

    async def row(self, entity_set, row_id, **params):
        answer = await self.api.get(f"{entity_set}({row_id})", params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, entity_set, headers=None, **options):
        """The `value` of a set read with `$`-options given without their `$`."""
        params = {f"${name}": value for name, value in options.items()}
        answer = await self.api.get(entity_set, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]


def error(answer, status, code):
    """Assert that an answer is this refusal; its message."""
    assert answer.status_code == status, answer.text
    body = answer.json()["error"]
    assert body["code"].lower() == code, body
    return body["message"]


def label(text):
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def column(kind, schema_name, **more):
    """A column definition as the metadata API takes it."""
    return {
        "@odata.type": f"{CRM}{kind}AttributeMetadata",
        "SchemaName": schema_name,
        "DisplayName": label(schema_name),
        **more,
    }


async def add_column(client, table, kind, schema_name, **more):
    body = column(kind, schema_name, **more)
    answer = await client.post(f"EntityDefinitions(LogicalName='{table}')/Attributes", json=body)
    assert answer.status_code == 204, answer.text


async def add_key(client, table, schema_name, *columns):
    """Add an alternate key and read its status until the index is built."""
    url = f"EntityDefinitions(LogicalName='{table}')/Keys"
    answer = await client.post(url, json={"SchemaName": schema_name, "KeyAttributes": list(columns)})
    assert answer.status_code == 204, answer.text
    for _ in range(2):
        keys = (await client.get(url)).json()["value"]
    assert keys[-1]["EntityKeyIndexStatus"] == "Active"


def request(line, body="", content_id="", **headers):
    """One part of a batch."""
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    headers = {"Content-Type": "application/json", **headers} if body else headers
    inner = [f"{line} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()), "", body]
    return "\r\n".join([*head, "", *inner])


def multipart(mark, *parts):
    return "".join(f"--{mark}\r\n{part}\r\n" for part in parts) + f"--{mark}--\r\n"


def change_set(*parts):
    return "Content-Type: multipart/mixed; boundary=changes\r\n\r\n" + multipart("changes", *parts)


async def send_batch(client, *parts, go_on=False, content=None):
    headers = {"Content-Type": 'multipart/mixed; boundary="batch_1"'}
    if go_on:
        headers["Prefer"] = "odata.continue-on-error"
    body = multipart("batch_1", *parts) if content is None else content
    return await client.post("$batch", content=body, headers=headers)


def statuses(answer):
    """The inner status codes of a batch answer, in order."""
    lines = (line for line in answer.text.splitlines() if line.startswith("HTTP/1.1 "))
    return [int(line.split()[1]) for line in lines]


async def _made(client, entity_set, body, headers, *, refused):
    answer = await client.post(entity_set, json=body, headers=headers)
    if refused:
        return answer
    assert answer.status_code == 204, answer.text
    return answer.headers["OData-EntityId"].split("(")[1].rstrip(")")


async def make_endpoint(client, headers=None, *, refused=False, **values):
    """Register a webhook; its id, or the answer when it is to be `refused`."""
    body = {"name": "gp365", "url": "https://hook.example/dv", "contract": 8, "authtype": 5, "messageformat": 2}
    body["authvalue"] = '<settings><setting name="x-key" value="secret" /></settings>'
    return await _made(client, "serviceendpoints", body | values, headers, refused=refused)


async def message_ids(client, message, table):
    """The ids of a message and of its filter for a table, None where there is none."""
    found = await client.rows("sdkmessages", filter=f"name eq '{message}'")
    message_id = found[0]["sdkmessageid"] if found else None
    where = f"primaryobjecttypecode eq '{table}' and _sdkmessageid_value eq {message_id}"
    filters = await client.rows("sdkmessagefilters", filter=where)
    return message_id, filters[0]["sdkmessagefilterid"] if filters else None


async def make_step(client, endpoint, message, table, *, headers=None, refused=False, **values):
    """Register an asynchronous step after the operation, unless `values` say otherwise; its id or the answer."""
    message_id, filter_id = await message_ids(client, message, table)
    body = {
        "name": f"{message} of {table}",
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint})",
        "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filter_id})" if filter_id else None,
        "stage": 40,
        "mode": 1,
    }
    return await _made(client, "sdkmessageprocessingsteps", body | values, headers, refused=refused)


async def make_image(client, step, *, refused=False, **values):
    """Give a step an image of the row before it, unless `values` say otherwise; its id or the answer."""
    body = {
        "sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({step})",
        "imagetype": 0,
        "entityalias": "image",
        "name": "image",
        "messagepropertyname": "Target",
    }
    return await _made(client, "sdkmessageprocessingstepimages", body | values, None, refused=refused)
