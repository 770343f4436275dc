"""A flow: one direction of a pair. Flows are found by folder; a flow's name is its file's name."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sync.errors import BadSettings
from sync.mapping_model import Side


@dataclass(frozen=True)
class Flow:
    """One direction of a pair of entities: `pair` names the mapping (`mappings/<pair>.yaml`), `source` and `target`
    the systems. `name` is filled in from the file name, `two_way` from whether there is a flow back.
    """

    pair: str
    source: str
    target: str
    name: str = ""
    two_way: bool = False

    @property
    def side(self) -> Side:
        """The side it comes from."""
        return "gp" if self.source == "gp" else "d365"

    def is_opposite(self, other: "Flow") -> bool:
        """Whether it is the other direction of the same pair."""
        return (self.pair, self.source, self.target) == (other.pair, other.target, other.source)

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
    return paired(flows)


def paired(flows: Mapping[str, Flow]) -> dict[str, Flow]:
    """The flows, each knowing whether one of them goes back."""
    return {name: replace(flow, two_way=any(map(flow.is_opposite, flows.values()))) for name, flow in flows.items()}
