SELECT GETUTCDATE() AS server_time;
SELECT
{% include "columns.sql" %}
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON t0.{{ key_column | name }} = wanted.k0
{% include "joins.sql" %}
