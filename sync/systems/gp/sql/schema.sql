SELECT t.name AS table_name, c.name AS column_name
FROM sys.tables AS t
JOIN sys.columns AS c ON c.object_id = t.object_id
WHERE t.name IN (
{% for table in tables %}
  {{ value(table, "nvarchar(128)") }}{{ "," if not loop.last }}
{% endfor %}
);
SELECT
{% for table in tables %}
  HAS_PERMS_BY_NAME({{ value("dbo." ~ table) }}, 'OBJECT', 'SELECT') AS r{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %}
