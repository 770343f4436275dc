{% from "beyond.sql" import beyond with context %}
DECLARE @version bigint;
SET @version = CHANGE_TRACKING_CURRENT_VERSION();
SELECT GETUTCDATE() AS server_time, @version AS version,
{% include "environment_columns.sql" %};
{% for look in looks %}
SELECT TOP ({{ value(limit) }})
{% for column in look.key %}
  t.{{ column | name }} AS k{{ loop.index0 }},
{% endfor %}
{% for column in look.parent %}
  t.{{ column | name }} AS p{{ loop.index0 }},
{% endfor %}
{% if look.tracked %}
  t.SYS_CHANGE_VERSION AS seen, t.SYS_CHANGE_OPERATION AS operation
FROM CHANGETABLE(CHANGES dbo.{{ look.table | name }}, {{ value(look.since) }}) AS t
WHERE t.SYS_CHANGE_VERSION <= @version
{% if look.beyond %}
  AND {{ beyond(look.beyond) }}
{% endif %}
{% else %}
  t.DEX_ROW_TS AS seen
FROM dbo.{{ look.table | name }} AS t
{% if look.floor %}
WHERE t.DEX_ROW_TS >= {{ value(look.floor, "datetime") }}
{% else %}
{# The first bound repeats what follows in a form that an index can seek. #}
WHERE t.DEX_ROW_TS >= {{ value(look.beyond[0].value, look.beyond[0].type) }}
  AND {{ beyond(look.beyond) }}
{% endif %}
{% endif %}
{% for column, wanted, type in look.where %}
  AND t.{{ column | name }} = {{ value(wanted, type) }}
{% endfor %}
ORDER BY seen{% for column in look.key %}, t.{{ column | name }}{% endfor %};
{% endfor %}
{% if tracked %}
SELECT
{% for table in tracked %}
  CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID({{ value("dbo." ~ table) }})) AS m{{ loop.index0 }}{{ "," if not loop.last }}
{% endfor %}
{% endif %}
