CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS server, DB_NAME() AS name,
(SELECT TOP (1) INTERID FROM {{ system_database | name }}.dbo.SY01500 WHERE INTERID = CAST(DB_NAME() AS char(5))) AS interid
