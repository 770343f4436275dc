SELECT INTERID AS interid, CMPNYNAM AS title, CMPANYID AS number
FROM {{ system_database | name }}.dbo.SY01500
WHERE INTERID = {{ value(company, "char(5)") }}
