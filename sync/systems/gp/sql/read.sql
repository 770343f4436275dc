SELECT
{% for column in columns %}
  t{{ column.table }}.{{ column.name | name }} AS c{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %}
{% include "wanted.sql" +%}
{% for join in joins %}
LEFT JOIN dbo.{{ join.table | name }} AS t{{ loop.index }} ON
{% for child, parent in join.on %}
  {{ "AND " if not loop.first }}t{{ join.number }}.{{ child | name }} = t0.{{ parent | name }}
{% endfor %}
{% for column, wanted, type in join.where %}
  AND t{{ join.number }}.{{ column | name }} = {{ value(wanted, type) }}
{% endfor %}
{% endfor %}
