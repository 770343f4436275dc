SELECT t0.{{ key_column | name }} AS k
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON t0.{{ key_column | name }} = wanted.k0
