-- Optional, for company databases without SQL Server Change Tracking: an index by which a poll finds the rows stamped since
-- the last one, instead of reading the whole table. GP ships none. Not unique and not clustered, it changes nothing for GP
-- but a little work at each save. An upgrade of GP that rebuilds a table drops it: run this again afterwards
-- (`python -m sync doctor` tells). The table's key rides along in the order of the poll.

CREATE NONCLUSTERED INDEX IX_GP365_RM00101 ON dbo.RM00101 (DEX_ROW_TS, CUSTNMBR);
CREATE NONCLUSTERED INDEX IX_GP365_RM00102 ON dbo.RM00102 (DEX_ROW_TS, CUSTNMBR, ADRSCODE);
CREATE NONCLUSTERED INDEX IX_GP365_SY01200 ON dbo.SY01200 (DEX_ROW_TS, Master_Type, Master_ID, ADRSCODE);
