SELECT t0.{{ identity_column | name }} AS i,
{% include "key_columns.sql" +%}
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON t0.{{ identity_column | name }} = wanted.k0
