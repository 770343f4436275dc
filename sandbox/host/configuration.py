"""host.json and the app settings, read as the host reads them."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sandbox.host.errors import HostError, UnknownToHost

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,7})?))?")
_OVERRIDE = "AzureFunctionsJobHost__"


def seconds(time_span: object) -> float:
    """Seconds of a .NET TimeSpan, "[d.]hh:mm[:ss[.fffffff]]"; raises ValueError for anything else."""
    match = _TIME_SPAN.fullmatch(str(time_span))
    if not match:
        raise ValueError(f"{time_span!r} is not a time span like 00:05:00")
    days, hours, minutes, rest = match.groups(default="0")
    return int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(rest)


def _timeout(value: object) -> float | None:
    return None if str(value) == "-1" else seconds(value)


_Seconds = Annotated[float, BeforeValidator(seconds)]


class _Section(BaseModel):
    """Keys are compared in lower case: .NET configuration ignores case."""

    model_config = ConfigDict(extra="forbid", alias_generator=lambda name: name.replace("_", ""))


class Queues(_Section):
    """`extensions.queues`; times in seconds."""

    max_polling_interval: _Seconds = Field(60.0, ge=0.1)
    visibility_timeout: _Seconds = 0.0
    batch_size: int = Field(16, ge=1, le=32)
    new_batch_threshold: int = Field(-1, ge=0)
    max_dequeue_count: int = Field(5, ge=1)
    message_encoding: Literal["base64", "none"] = "base64"

    def model_post_init(self, _: object) -> None:
        if self.new_batch_threshold < 0:
            self.new_batch_threshold = self.batch_size // 2


class Http(_Section):
    """`extensions.http`."""

    route_prefix: str = "api"


class Extensions(_Section):
    queues: Queues = Field(default_factory=lambda: Queues.model_validate({}))
    http: Http = Field(default_factory=lambda: Http.model_validate({}))


class HostJson(_Section):
    """host.json with the defaults of a Flex Consumption or Premium plan; `function_timeout` in seconds or None.

    `logging` and the keys below it are accepted and change nothing here.
    """

    version: Literal["2.0"]
    function_timeout: Annotated[float | None, BeforeValidator(_timeout)] = 1800.0
    extensions: Extensions = Field(default_factory=lambda: Extensions.model_validate({}))
    logging: Any = None
    extension_bundle: Any = None
    telemetry_mode: Any = None
    managed_dependency: Any = None


def read_host_json(folder: Path, environment: Mapping[str, str]) -> HostJson:
    """host.json of an app, overridden by the `AzureFunctionsJobHost__a__b` settings.

    Raises HostError for a broken file or value, UnknownToHost for a key this host does not imitate.
    """
    file = folder / "host.json"
    try:
        content = _lower_keys(json.loads(file.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError) as error:
        raise HostError(f"{file}: {error}") from error
    for name, value in environment.items():
        if name.startswith(_OVERRIDE):
            _put(content, name.removeprefix(_OVERRIDE).lower().split("__"), value)
    try:
        return HostJson.model_validate(content)
    except ValidationError as error:
        raise _explain(file, error) from error


def read_settings(file: Path) -> dict[str, str]:
    """The `Values` of a file in the form of local.settings.json; raises HostError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise HostError(f"{file}: {error}") from error
    if content.get("IsEncrypted"):
        raise HostError(f"{file} is encrypted")
    values: dict[str, str] = content.get("Values", {})
    for name, value in values.items():
        if not isinstance(value, str):
            raise HostError(f"{file}: the value of {name} must be a string")
    return values


def expand(text: str, function: str, where: str) -> str:
    """`text` with every `%SETTING%` replaced from the environment.

    Raises HostError naming `function`, the property `where` and the setting when there is no such setting.
    """

    def value(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError:
            raise HostError(f"function {function}: the setting {match[1]} that {where} names does not exist") from None

    return re.sub(r"%([^%]+)%", value, text)


def time_zone() -> ZoneInfo:
    """The zone that schedules are in: UTC unless WEBSITE_TIME_ZONE names another; raises HostError."""
    name = os.environ.get("WEBSITE_TIME_ZONE", "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise HostError(f"WEBSITE_TIME_ZONE: there is no time zone {name}") from error


def _lower_keys(value: Any) -> Any:
    return {key.lower(): _lower_keys(each) for key, each in value.items()} if isinstance(value, dict) else value


def _put(content: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        content = content.setdefault(key, {})
    content[path[-1]] = value


def _explain(file: Path, error: ValidationError) -> HostError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return UnknownToHost("the host.json key", key)
    return HostError(f"{file}: {key}: {first['msg']}")
