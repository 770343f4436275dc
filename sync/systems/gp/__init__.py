"""Microsoft Dynamics GP: reads, feeds and writes. How GP itself behaves is in `README.md` here."""
