{# Keyset continuation: beyond a position in the order of the columns, always judged by the server's own order. #}
{% macro beyond(columns) %}
(t.{{ columns[0].name | name }} > {{ value(columns[0].value, columns[0].type) }}
{%- if columns | length > 1 %}
 OR (t.{{ columns[0].name | name }} = {{ value(columns[0].value, columns[0].type) }} AND {{ beyond(columns[1:]) }})
{%- endif %}
)
{%- endmacro %}
