"""Whether host.json still says what the line relies on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from sync.delivery import SURPRISES
from sync.runtime import Runtime
from sync.system import Check

HOST_JSON = Path(__file__).parents[3] / "host.json"
NAME = "host.json"


class _Queues(BaseModel):
    """Both counts bound the calls to GP; a record that kills its worker is found in so many deliveries."""

    encoding: Literal["base64"] = Field(alias="messageEncoding")
    batch: int = Field(alias="batchSize", ge=1, le=32)
    threshold: int = Field(alias="newBatchThreshold", ge=0)
    dequeues: int = Field(alias="maxDequeueCount", gt=SURPRISES)


class _Extensions(BaseModel):
    queues: _Queues


class _HostFile(BaseModel):
    extensions: _Extensions


async def host_file(_: Runtime) -> AsyncIterator[Check]:
    if HOST_JSON.exists():
        yield check_host(HOST_JSON.read_text(encoding="utf-8"))
    else:
        yield Check(NAME, True, "is not here: these commands run apart from the function app")


def check_host(text: str) -> Check:
    """The line about the text of a host.json."""
    try:
        queues = _HostFile.model_validate_json(text).extensions.queues
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return Check(NAME, False, faults, "Correct it, or restore it from the release.")
    return Check(NAME, True, f"at most {queues.batch + queues.threshold} messages of a lane at once on each instance")
