{# The keys asked for, as a table `wanted` with the column k. #}
{% if json %}
FROM OPENJSON({{ value(json) }}) WITH (k {{ key_type }} '$') AS wanted
{% else %}
FROM (VALUES
{% for key in keys %}
  ({{ value(key, key_type) }}){{ "," if not loop.last }}
{% endfor %}
) AS wanted (k)
{% endif %}
JOIN dbo.{{ table | name }} AS t0 ON t0.{{ key_column | name }} = wanted.k
