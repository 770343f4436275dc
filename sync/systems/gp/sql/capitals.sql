{% if capitals_only %}
{% for column in key %}
  AND t.{{ column.name | name }} = UPPER(t.{{ column.name | name }})
{% endfor %}
{% endif %}
