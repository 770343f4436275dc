SELECT t.name AS table_name, i.name AS index_name
FROM sys.tables AS t
JOIN sys.indexes AS i ON i.object_id = t.object_id
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal = 1
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE c.name = 'DEX_ROW_TS' AND t.name IN (
{% for table in tables %}
  {{ value(table, "nvarchar(128)") }}{{ "," if not loop.last }}
{% endfor %}
)
