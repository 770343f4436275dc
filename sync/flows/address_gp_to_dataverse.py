"""A further address of a GP customer becomes, and stays, an address of its account."""

from sync.flow import Flow

FLOW = Flow(pair="address", source="gp", target="dataverse")
