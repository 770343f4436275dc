SELECT GETUTCDATE() AS server_time, CHANGE_TRACKING_CURRENT_VERSION() AS version;
SELECT t.name AS name, c.name AS stamp, ct.object_id AS tracked
FROM sys.tables AS t
LEFT JOIN sys.columns AS c ON c.object_id = t.object_id AND c.name = 'DEX_ROW_TS'
LEFT JOIN sys.change_tracking_tables AS ct ON ct.object_id = t.object_id
WHERE t.name IN (
{% for table in tables %}
  {{ value(table, "nvarchar(128)") }}{{ "," if not loop.last }}
{% endfor %}
);
SELECT
{% for table in tables %}
  HAS_PERMS_BY_NAME({{ value("dbo." ~ table) }}, 'OBJECT', 'VIEW CHANGE TRACKING') AS r{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %}
