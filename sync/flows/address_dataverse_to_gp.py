"""An address that somebody types at an account becomes one of its GP customer, and its edits reach it."""

from sync.flow import Flow

FLOW = Flow(pair="address", source="dataverse", target="gp")
