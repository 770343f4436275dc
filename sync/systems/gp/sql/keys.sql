{% from "beyond.sql" import beyond with context %}
SELECT TOP ({{ value(limit) }})
{% for column in key %}
  t.{{ column.name | name }} AS k{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %}
FROM dbo.{{ table | name }} AS t
WHERE
{% if after | length > 1 %}
{# The first bound repeats what follows in a form that an index can seek. #}
  t.{{ after[0].name | name }} >= {{ value(after[0].value, after[0].type) }} AND
{% endif %}
{% if after %}
  {{ beyond(after) }}
{% else %}
  t.{{ key[0].name | name }} <> ''
{% endif %}
{% for column in key[1:] %}
  AND t.{{ column.name | name }} <> ''
{% endfor %}
{% include "capitals.sql" %}
ORDER BY {% for column in key %}t.{{ column.name | name }}{{ ", " if not loop.last }}{% endfor %}
