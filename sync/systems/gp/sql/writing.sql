SELECT
{% for procedure in procedures %}
  OBJECT_ID({{ value("dbo." ~ procedure) }}) AS p{{ loop.index0 }},
  HAS_PERMS_BY_NAME({{ value("dbo." ~ procedure) }}, 'OBJECT', 'EXECUTE') AS r{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %};
SELECT HAS_PERMS_BY_NAME({{ value(system_database ~ ".dbo.taErrorCode") }}, 'OBJECT', 'SELECT') AS may;
SELECT COUNT(*) AS others FROM dbo.{{ table | name }} AS t
WHERE t.{{ mark | name }} <> '' AND LEN(t.{{ mark | name }}) <> {{ value(length) }}
