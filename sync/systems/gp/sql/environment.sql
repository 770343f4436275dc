SELECT
{% include "environment_columns.sql" %},
CHANGE_TRACKING_CURRENT_VERSION() AS version
