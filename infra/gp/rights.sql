-- The least rights GP365 needs in Dynamics GP. Run in every company database; for DYNAMICS see the end.
-- Reading customers needs these tables only; more flows need more: `python -m sync doctor` names what is missing.
-- Where a flow writes to GP, run rights-to-write.sql too.
-- Create the login first, with a password of your own:  CREATE LOGIN gp365 WITH PASSWORD = '...';

CREATE USER gp365 FOR LOGIN gp365;
CREATE ROLE gp365_reader;
ALTER ROLE gp365_reader ADD MEMBER gp365;

GRANT SELECT ON dbo.RM00101 TO gp365_reader;  -- customers
GRANT SELECT ON dbo.RM00102 TO gp365_reader;  -- customer addresses
GRANT SELECT ON dbo.SY01200 TO gp365_reader;  -- internet addresses

-- Where the DBA has enabled SQL Server Change Tracking (recommended: GP is then not scanned at each poll):
--   ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON);
--   ALTER TABLE dbo.RM00101 ENABLE CHANGE_TRACKING;   -- likewise RM00102 and SY01200
GRANT VIEW CHANGE TRACKING ON dbo.RM00101 TO gp365_reader;
GRANT VIEW CHANGE TRACKING ON dbo.RM00102 TO gp365_reader;
GRANT VIEW CHANGE TRACKING ON dbo.SY01200 TO gp365_reader;

-- Once in DYNAMICS (or what your system database is called), where GP lists its companies:
--   CREATE USER gp365 FOR LOGIN gp365;
--   GRANT SELECT ON dbo.SY01500 TO gp365;
