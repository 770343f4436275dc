"""Microsoft Dynamics GP: reads and feeds. How GP itself behaves is in `README.md` here."""
