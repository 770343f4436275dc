"""A Dataverse account becomes a GP customer, and its edits reach it."""

from sync.flow import Flow

FLOW = Flow(pair="customer", source="dataverse", target="gp")
