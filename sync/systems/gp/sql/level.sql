SELECT compatibility_level AS level FROM sys.databases WHERE name = DB_NAME()
