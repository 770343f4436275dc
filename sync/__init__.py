"""GP365: keeps Microsoft Dynamics GP and Dynamics 365 telling the same story."""
