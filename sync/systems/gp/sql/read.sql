SELECT GETUTCDATE() AS server_time;
SELECT
{% include "columns.sql" %}
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON {% include "key_wanted.sql" +%}
{% include "joins.sql" %}
