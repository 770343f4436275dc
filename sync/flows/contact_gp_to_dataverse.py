"""A contact person of a GP customer's address becomes, and stays, a contact of its account."""

from sync.flow import Flow

FLOW = Flow(pair="contact", source="gp", target="dataverse")
