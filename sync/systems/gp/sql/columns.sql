{% for column in columns %}
  t{{ column.table }}.{{ column.name | name }} AS c{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %}
