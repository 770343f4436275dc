{% for column in key %}t0.{{ column.name | name }} AS k{{ loop.index0 }}{{ ", " if not loop.last }}{% endfor %}
