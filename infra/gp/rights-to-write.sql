-- The further rights GP365 needs where a flow writes to Dynamics GP. Run in every such company database, after rights.sql;
-- for DYNAMICS see the end. No right to change a table: GP365 writes by eConnect's procedures alone.

CREATE ROLE gp365_writer;
ALTER ROLE gp365_writer ADD MEMBER gp365;

GRANT EXECUTE ON dbo.taUpdateCreateCustomerRcd TO gp365_writer;  -- customers
GRANT EXECUTE ON dbo.taCreateCustomerAddress TO gp365_writer;    -- customer addresses
GRANT EXECUTE ON dbo.taCreateInternetAddresses TO gp365_writer;  -- internet addresses

-- Where a mapping writes shipping methods: GP365 looks whether they exist, since eConnect would set up any other.
--   GRANT SELECT ON dbo.SY03000 TO gp365_writer;

-- Once in DYNAMICS (or what your system database is called): error texts of your own customisations.
--   GRANT SELECT ON dbo.taErrorCode TO gp365;
-- The procedures themselves use tables and procedures of DYNAMICS. Where the databases are not chained by ownership, the login
-- needs GP's own role there:
--   ALTER ROLE DYNGRP ADD MEMBER gp365;
