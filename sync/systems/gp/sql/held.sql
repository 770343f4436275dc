SELECT {% include "key_columns.sql" +%}
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON {% include "key_wanted.sql" %}
