"""A flow: one direction of a pair. Flows are found by folder; a flow's name is its file's name."""

import importlib
import pkgutil
from dataclasses import dataclass, replace

from sync.errors import BadSettings


@dataclass(frozen=True)
class Flow:
    """One direction of a pair of entities: `pair` names the mapping (`mappings/<pair>.yaml`), `source` and `target`
    the systems. `name` is filled in from the file name.
    """

    pair: str
    source: str
    target: str
    name: str = ""

    @property
    def lane(self) -> str:
        return f"to-{self.target.replace('_', '-')}"

    @property
    def bulk_lane(self) -> str:
        return f"{self.lane}-bulk"


def find_flows(package: str = "sync.flows") -> dict[str, Flow]:
    """Every flow in the folder by name. Raises BadSettings when a module there declares no `FLOW`."""
    folder = importlib.import_module(package)
    flows = {}
    for module in pkgutil.iter_modules(folder.__path__):
        flow = getattr(importlib.import_module(f"{package}.{module.name}"), "FLOW", None)
        if not isinstance(flow, Flow):
            raise BadSettings(f"flows/{module.name}.py declares no FLOW.", code="mapping_invalid")
        flows[module.name] = replace(flow, name=module.name)
    return flows
