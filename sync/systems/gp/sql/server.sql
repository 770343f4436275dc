SELECT
  CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS server,
  CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
  CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)) AS collation,
  GETUTCDATE() AS server_time;
SELECT compatibility_level AS level FROM sys.databases WHERE name = DB_NAME()
