{% for column in key %}{{ " AND " if not loop.first }}t0.{{ column.name | name }} = wanted.k{{ loop.index0 }}{% endfor %}
