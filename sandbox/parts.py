"""The parts of the sandbox: how each is started, and the settings that bind the app to them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.child import ROOT, STOP_SECONDS

COMPANIES = "TWO,THREE"
HOOK_HOST = "hooks.gp365.example"
"""The public name under which Dataverse calls the app: its door says where on this machine that is."""

HOOK_PATH = "/api/hooks/dataverse"
DRAIN_SECONDS = STOP_SECONDS - 5
"""How long a host lets running functions end: whoever stops it must not lose patience first."""

type Ready = Mapping[str, Mapping[str, Any]]
"""The ready line of every running part, by the part's name."""


@dataclass(frozen=True)
class Part:
    """A module that keeps the process rule. `arguments(state)` are its own options, `ports` its port options."""

    module: str
    arguments: Callable[[Path], list[str]]
    ports: tuple[str, ...] = ("port", "admin-port")
    needs: tuple[str, ...] = ()


PARTS = {
    "storage": Part("sandbox.storage", lambda state: ["--state", str(state / "storage")], ("admin-port",)),
    "identity": Part(
        "sandbox.identity",
        lambda state: ["--state", str(state)],
        ("port", "managed-identity-port", "admin-port"),
    ),
    "gp": Part("sandbox.gp", lambda state: ["--data", str(state / "gp")]),
    "dataverse": Part("sandbox.dataverse", lambda state: ["--state", str(state)], needs=("identity",)),
    "host": Part(
        "sandbox.host",
        lambda state: [
            *("--app", str(ROOT), "--settings", str(settings_file(state))),
            *("--gaps", str(state / "gaps" / "host.jsonl")),
            *("--drain", str(DRAIN_SECONDS)),
        ],
        needs=("storage", "identity", "gp", "dataverse"),
    ),
}


def part_of(name: str) -> Part:
    """The part that `name` is one of: "host-2" is a second host beside "host"."""
    return PARTS[name.split("-", maxsplit=1)[0]]


def settings_file(state: Path) -> Path:
    return state / "local.settings.json"


def app_settings(ready: Ready, time_scale: float) -> dict[str, str]:
    """The app's settings against these parts; nothing in `sync/` knows that they are stand-ins."""
    gp, dataverse, identity = ready["gp"], ready["dataverse"], ready["identity"]
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": ready["storage"]["connection_string"],
        "GP365_GP_SERVER": gp["host"],
        "GP365_GP_PORT": str(gp["port"]),
        "GP365_GP_USER": gp["user"],
        "GP365_GP_PASSWORD": gp["password"],
        "GP365_GP_ENCRYPTION": "request",
        "GP365_COMPANIES": COMPANIES,
        "GP365_POLL_SCHEDULE": "*/2 * * * * *",
        "GP365_DELTA_SCHEDULE": "*/2 * * * * *",
        "GP365_ALERT_SCHEDULE": "*/2 * * * * *",
        "GP365_DATAVERSE_URL": dataverse["url"],
        "GP365_AUTHORITY": identity["authority"],
        "GP365_CLIENT_ID": identity["client_id"],
        "GP365_CLIENT_SECRET": identity["client_secret"],
        "GP365_CA_FILE": identity["ca_file"],
        "GP365_TIME_SCALE": f"{time_scale:g}",
    }


def hook_settings(ready: Ready) -> dict[str, str]:
    """The settings of webhooks; those that only the operator's `register` needs are there once a host runs."""
    secret = hashlib.sha256(ready["identity"]["client_secret"].encode()).hexdigest()
    settings = {"GP365_HOOK_SECRET": secret, "GP365_HOOK_URL": f"https://{HOOK_HOST}{HOOK_PATH}"}
    if host := ready.get("host"):
        settings |= {"GP365_HOOK_KEY": host["key"], "GP365_HOOK_INSIDE_URL": f"{host['url']}{HOOK_PATH}"}
    return settings


def contract(ready: Ready) -> dict[str, Any]:
    """What `up` announces, documented in docs/reference/contracts.md: enough to check everything from outside."""
    keys = {
        "functions": ("host", ("url", "key", "pid")),
        "storage": ("storage", ("connection_string",)),
        "gp": ("gp", ("host", "port", "user", "password")),
        "dataverse": ("dataverse", ("url",)),
    }
    line: dict[str, Any] = {
        key: {name: ready[part][name] for name in names} for key, (part, names) in keys.items() if part in ready
    }
    if "gp" in line:
        line["gp"]["database"] = ready["gp"]["databases"][0]
    if "dataverse" in line:
        names = ("ca_file", "authority", "client_id", "client_secret")
        line["dataverse"] |= {name: ready["identity"][name] for name in names}
    line["admin"] = {name: said["admin"] for name, said in ready.items() if "admin" in said}
    return line
