SELECT ErrorCode AS number, ErrorDesc AS told
FROM {{ system_database | name }}.dbo.taErrorCode
WHERE ErrorCode IN ({% for number in numbers %}{{ value(number) }}{{ ", " if not loop.last }}{% endfor %})
