SELECT COUNT(*) AS n
FROM dbo.{{ table | name }} AS t
WHERE t.{{ key_column | name }} <> ''
{% if capitals_only %}
  AND t.{{ key_column | name }} = UPPER(t.{{ key_column | name }})
{% endif %}
