"""Dataverse (Dynamics 365 Sales, Field Service). How it behaves: README.md in this folder."""
