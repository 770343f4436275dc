SELECT TOP ({{ value(limit) }}) t.{{ key_column | name }} AS k
FROM dbo.{{ table | name }} AS t
{% if after %}
WHERE t.{{ key_column | name }} > {{ value(after, key_type) }}
{% else %}
WHERE t.{{ key_column | name }} <> ''
{% endif %}
{% if capitals_only %}
  AND t.{{ key_column | name }} = UPPER(t.{{ key_column | name }})
{% endif %}
ORDER BY t.{{ key_column | name }}
