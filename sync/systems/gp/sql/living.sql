SELECT t0.{{ key_column | name }} AS k, t0.{{ identity_column | name }} AS i
{% include "wanted.sql" +%}
JOIN dbo.{{ table | name }} AS t0 ON t0.{{ identity_column | name }} = wanted.k0
