{% for join in joins %}
LEFT JOIN dbo.{{ join.table | name }} AS t{{ join.number }} ON
{% for child, parent in join.on %}
  {{ "AND " if not loop.first }}t{{ join.number }}.{{ child | name }} = t0.{{ parent | name }}
{% endfor %}
{% for column, wanted, type in join.where %}
  AND t{{ join.number }}.{{ column | name }} = {{ value(wanted, type) }}
{% endfor %}
{% endfor %}
