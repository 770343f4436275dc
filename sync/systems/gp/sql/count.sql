SELECT COUNT(*) AS n
FROM dbo.{{ table | name }} AS t
WHERE
{% for column in key %}
  {{ "AND " if not loop.first }}t.{{ column.name | name }} <> ''
{% endfor %}
{% include "capitals.sql" %}
