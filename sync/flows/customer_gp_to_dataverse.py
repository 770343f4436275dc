"""A GP customer becomes, and stays, a Dataverse account."""

from sync.flow import Flow

FLOW = Flow(pair="customer", source="gp", target="dataverse")
