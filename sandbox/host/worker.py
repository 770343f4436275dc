"""Microsoft's Python worker library, driven in this process with real protobuf messages.

The library keeps its state in modules: one app per process.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as library

from sandbox.host import protos
from sandbox.host.errors import HostError, UnknownToHost

HOST_VERSION = "4.1044.0"


@dataclass(frozen=True)
class Answer:
    """What one invocation left: `error` is empty after success, `trace` the traceback of a failure."""

    error: str = ""
    trace: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    returned: Any = None


class Worker:
    """Indexes an app's `function_app.py` and invokes its functions; `types` holds the message classes."""

    def __init__(self) -> None:
        self.types = protos.load()

    async def index(self, folder: Path) -> list[Any]:
        """One RpcFunctionMetadata for each function; raises HostError with the worker's own error."""
        sys.path.insert(0, str(folder))
        library.start_threadpool_executor()
        initialise = self.types.WorkerInitRequest(host_version=HOST_VERSION, function_app_directory=str(folder))
        answer = await library.worker_init_request(self._envelope(worker_init_request=initialise))
        if answer.result.status != self.types.StatusResult.Success:
            raise HostError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}".rstrip())
        if "HttpUri" in answer.capabilities:
            raise UnknownToHost("the capability", "HTTP streaming")
        ask = self.types.FunctionsMetadataRequest(function_app_directory=str(folder))
        found = await library.functions_metadata_request(self._envelope(functions_metadata_request=ask))
        for metadata in found.function_metadata_results:
            load = self.types.FunctionLoadRequest(function_id=metadata.function_id, metadata=metadata)
            await library.function_load_request(self._envelope(function_load_request=load))
        if not found.function_metadata_results:
            raise HostError(f"no functions found in {folder}")
        return list(found.function_metadata_results)

    async def invoke(
        self,
        function_id: str,
        invocation_id: str,
        inputs: Mapping[str, Any],
        metadata: Mapping[str, Any],
        retry: Any = None,
    ) -> Answer:
        """Run a function on `inputs` (parameter name to TypedData); a failure is an Answer, never raised."""
        request = self.types.InvocationRequest(
            invocation_id=invocation_id,
            function_id=function_id,
            input_data=[self.types.ParameterBinding(name=name, data=data) for name, data in inputs.items()],
            trigger_metadata=metadata,
            retry_context=retry,
        )
        token = library.invocation_id_cv.set(invocation_id)
        try:
            answer = await library.invocation_request(self._envelope(invocation_request=request))
        finally:
            library.invocation_id_cv.reset(token)
        if answer.result.status != self.types.StatusResult.Success:
            return Answer(answer.result.exception.message or "failed", answer.result.exception.stack_trace)
        outputs = {item.name: item.data for item in answer.output_data}
        return Answer(outputs=outputs, returned=answer.return_value if answer.HasField("return_value") else None)

    def _envelope(self, **content: Any) -> SimpleNamespace:
        message = self.types.StreamingMessage(**content)
        return SimpleNamespace(request=message, properties={"host": "127.0.0.1", "protos": self.types})
