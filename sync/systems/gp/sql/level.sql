SELECT compatibility_level AS level, CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)) AS collation
FROM sys.databases WHERE name = DB_NAME()
