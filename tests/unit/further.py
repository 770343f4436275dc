"""The line with a pair beside that of customers, which is switched off as shipped."""

from pathlib import Path

from sync.directions import check_directions, in_use
from sync.flow import find_flows
from sync.mapping import Mapping, load_all
from tests.unit.conftest import MAPPINGS, Rig

type Pairs = dict[str, Mapping]


def switched_on(folder: Path, pair: str, overlay: str) -> Pairs:
    """The shipped mappings, customers one way from GP, and an overlay of the pair; both are written into the folder."""
    one_way = Path(__file__).parent / "one_way" / "customer.yaml"
    (folder / "customer.yaml").write_text(one_way.read_text("utf-8"), "utf-8")
    (folder / f"{pair}.yaml").write_text(overlay, "utf-8")
    return load_all(MAPPINGS, folder)


def line_of(rig: Rig, pairs: Pairs) -> Rig:
    """The line with all of these pairs."""
    flows = in_use(find_flows(), pairs)
    check_directions(flows.values(), pairs)
    rig.pipeline._mappings = pairs
    rig.pipeline._linking._mappings = pairs
    rig.pipeline._cases._parents._mappings = pairs
    rig.pipeline._settling._flows = flows
    rig.deliveries._flows = flows
    rig.braking._mappings = pairs
    return rig
