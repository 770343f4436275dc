SELECT t0.{{ key_column | name }} AS k
{% include "wanted.sql" %}
