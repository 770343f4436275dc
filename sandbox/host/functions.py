"""What the worker's index says about a function, checked and with its settings filled in."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.host.configuration import expand
from sandbox.host.errors import HostError, UnknownToHost

TRIGGERS = {"httpTrigger", "queueTrigger", "timerTrigger"}
OUTPUTS = {"http", "queue"}
EXTENSIONS = {"queueTrigger", "queue"}
LONGEST_QUEUE_NAME = 63
_QUEUE_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_EXPANDED = ("queueName", "schedule", "route")


@dataclass(frozen=True)
class Retry:
    """A retry policy: `most` attempts after the first (-1: for ever), delays in seconds."""

    most: int
    exponential: bool
    shortest: float
    longest: float


@dataclass(frozen=True)
class Function:
    """One function: `trigger` and `outputs` (by parameter name) are its bindings with `%SETTING%` expanded."""

    name: str
    id: str
    trigger: dict[str, Any]
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    retry: Retry | None = None

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])

    @property
    def disabled(self) -> bool:
        """Whether the setting `AzureWebJobs.<name>.Disabled` turns it off."""
        return os.environ.get(f"AzureWebJobs.{self.name}.Disabled", "").lower() in ("1", "true")

    @property
    def full_name(self) -> str:
        """The name under which the host keeps a function's timer status and locks."""
        return f"Host.Functions.{self.name}"


def read(metadata: Any) -> Function:
    """The Function behind an RpcFunctionMetadata.

    Raises HostError for a setting that is missing, UnknownToHost for a binding or policy not imitated.
    """
    bindings = [_expanded(json.loads(raw), metadata.name) for raw in metadata.raw_bindings]
    trigger = next(binding for binding in bindings if binding["type"].endswith("Trigger"))
    outputs = {binding["name"]: binding for binding in bindings if binding is not trigger}
    for binding in bindings:
        if binding["type"] not in TRIGGERS | OUTPUTS:
            raise UnknownToHost("the binding", f"{binding['type']} (function {metadata.name})")
        if "queueName" in binding:
            _check_queue(binding, metadata.name)
    return Function(metadata.name, metadata.function_id, trigger, outputs, _retry(metadata, trigger["type"]))


def refuse_extensions(found: Iterable[Function]) -> None:
    """Raise HostError for the first function with a binding that only the extension bundle of host.json brings."""
    for function in found:
        for binding in (function.trigger, *function.outputs.values()):
            if binding["type"] in EXTENSIONS:
                text = f"the binding type {binding['type']} is not registered: host.json names no extensionBundle"
                raise HostError(f"function {function.name}: {text}")


def connection_string(binding: dict[str, Any], function: str) -> str:
    """The storage connection string a binding names; `Name` is also looked for as `AzureWebJobsName`.

    Raises HostError when there is none, UnknownToHost when the connection is identity-based.
    """
    name = binding.get("connection") or "Storage"
    for candidate in (f"AzureWebJobs{name}", name):
        if value := os.environ.get(candidate):
            return value
        if any(key.startswith(f"{candidate}__") for key in os.environ):
            raise UnknownToHost("the identity-based connection", f"{candidate} (function {function})")
    raise HostError(f"function {function}: the setting {name} that connection names does not exist")


def _check_queue(binding: dict[str, Any], function: str) -> None:
    """Queue names are put in lower case; a name with `{...}` is a binding expression."""
    name = binding["queueName"].lower()
    if "{" in name:
        raise UnknownToHost("the binding expression", f"{name} (function {function})")
    if not 3 <= len(name) <= LONGEST_QUEUE_NAME or not _QUEUE_NAME.fullmatch(name):
        raise HostError(f"function {function}: {name!r} is no queue name")
    binding["queueName"] = name


def _expanded(binding: dict[str, Any], function: str) -> dict[str, Any]:
    named = {key: expand(binding[key], function, key) for key in _EXPANDED if key in binding}
    if "connection" in binding:
        named["connection"] = expand(binding["connection"] or "", function, "connection")
    return binding | named


def _retry(metadata: Any, trigger: str) -> Retry | None:
    if not metadata.HasField("retry_options"):
        return None
    if trigger != "timerTrigger":
        raise UnknownToHost("the retry policy", f"of a {trigger} (function {metadata.name})")
    options = metadata.retry_options
    if options.retry_strategy == options.fixed_delay:
        delay = options.delay_interval.ToTimedelta().total_seconds()
        return Retry(options.max_retry_count, False, delay, delay)
    return Retry(
        options.max_retry_count,
        True,
        options.minimum_interval.ToTimedelta().total_seconds(),
        options.maximum_interval.ToTimedelta().total_seconds(),
    )
