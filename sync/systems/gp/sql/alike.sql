SELECT GETUTCDATE() AS server_time;
{% for group in groups %}
{% set sought, json, rows = group.sought, group.json, group.rows %}
SELECT
{% include "columns.sql" %}
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON 1 = 1
{% include "joins.sql" %}
WHERE
{% for column in sought %}
  {{ "AND " if not loop.first -}}
{% if column.main %}
(t{{ column.table }}.{{ column.name | name }} = wanted.k{{ loop.index0 }} OR (t{{ column.table }}.{{ column.present | name }} IS NULL AND t0.{{ column.name | name }} = wanted.k{{ loop.index0 }}))
{% else %}
t{{ column.table }}.{{ column.name | name }} = wanted.k{{ loop.index0 }}
{% endif %}
{% endfor %};
{% endfor %}
