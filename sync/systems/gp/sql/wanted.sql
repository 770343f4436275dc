{# The values asked for, as a table `wanted` with the columns k0, k1 ... #}
{% if json %}
FROM OPENJSON({{ value(json) }}) WITH (
{%- for column in sought -%}
k{{ loop.index0 }} {{ column.type }} '{{ "$" if sought | length == 1 else "$[%d]" % loop.index0 }}'{{ ", " if not loop.last }}
{%- endfor -%}
) AS wanted
{% else %}
FROM (VALUES
{% for row in rows %}
  ({% for column in sought %}{{ value(row[loop.index0], column.type) }}{{ ", " if not loop.last }}{% endfor %}){{ "," if not loop.last }}
{% endfor %}
) AS wanted ({% for column in sought %}k{{ loop.index0 }}{{ ", " if not loop.last }}{% endfor %})
{% endif %}
