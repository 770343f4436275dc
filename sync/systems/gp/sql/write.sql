{# Writes records, each in a transaction of its own with a verdict of its own. Errors are caught here, since the driver
   loses all that follows an error, and come back as rows. #}
{% macro held(test) %}
{% if test.how == "exact" and test.type == "varchar(max)" %}
CAST(t.{{ test.column | name }} AS varchar(max)) COLLATE Latin1_General_BIN2 = {{ value(test.value, test.type) }}
{%- elif test.how == "exact" %}
t.{{ test.column | name }} COLLATE Latin1_General_BIN2 = {{ value(test.value, test.type) }}
{%- elif test.how == "bytes" %}
CAST(t.{{ test.column | name }} AS {{ test.type }}) = {{ test.value | bytes }}
{%- else %}
t.{{ test.column | name }} = {{ value(test.value, test.type) }}
{%- endif %}
{% endmacro %}
{% macro row(joined) %}
FROM dbo.{{ joined.table | name }} AS t WITH (UPDLOCK, HOLDLOCK, ROWLOCK) WHERE
{%- for child, parent in joined.on %}{{ " AND" if not loop.first }} t.{{ child | name }} = {{ parent | variable }}{% endfor %}
{%- for column, wanted, type in joined.where %}{{ " AND" if joined.on or not loop.first }} t.{{ column | name }} = {{ value(wanted, type) }}{% endfor %}
{% endmacro %}
{% macro its(alias, key) %}
{% for column in key %}{{ " AND " if not loop.first }}{{ alias }}.{{ column.name | name }} = {{ value(column.value, column.type) }}{% endfor %}
{% endmacro %}
{% macro address(code) %}
EXISTS (SELECT 1 FROM dbo.RM00102 AS t WITH (UPDLOCK, HOLDLOCK, ROWLOCK) WHERE t.CUSTNMBR = @CUSTNMBR AND t.ADRSCODE = {{ code }})
{%- endmacro %}
{% macro kept(number) %}
SELECT {{ number }} AS gp365_kept,
{% include "columns.sql" %}
FROM dbo.{{ table | name }} AS t0
{% include "joins.sql" %}
WHERE {{ its("t0", keys[number]) }};
{% endmacro %}
{% macro cut(limits, prefix) %}
{% if limits %}
IF {% for column, limit in limits.items() %}LEN({{ (prefix ~ column) | variable }}) > {{ value(limit) }}{{ " OR " if not loop.last }}{% endfor %} SET @outcome = 'cut';
{% endif %}
{% endmacro %}
SET XACT_ABORT ON;
DECLARE @began datetime, @outcome varchar(10), @found int, @procedure varchar(40), @rc int, @es int, @em varchar(255),
  @error int, @text nvarchar(2048);
DECLARE
{% for name, type in variables %}
  {{ name | variable }} {{ type | type }}{{ "," if not loop.last else ";" }}
{% endfor %}
SET @began = GETUTCDATE();
{% for transaction in transactions %}
{% set number = loop.index0 %}
SELECT @outcome = '', @found = 0, @procedure = '', @rc = 0, @es = 0, @em = '', @error = 0, @text = '';
IF DATEDIFF(millisecond, @began, GETUTCDATE()) > {{ value(patience) }} SET @outcome = 'late';
IF @outcome = ''
BEGIN
BEGIN TRY
  BEGIN TRAN;
  SELECT @found = 1
{%- for column in own %}, {{ column | variable }} = t.{{ column | name }}{% endfor %}
{% for column in place %}, {{ ("own_" ~ column) | variable }} = t.{{ column | name }}{% endfor %}

  FROM dbo.{{ table | name }} AS t WITH (UPDLOCK, HOLDLOCK, ROWLOCK) WHERE {{ its("t", keys[number]) }};
{% if transaction.not_after %}
  IF GETUTCDATE() > {{ value(transaction.not_after, "datetime") }} SET @outcome = 'expired';
{% endif %}
{% if transaction.create %}
  IF @found = 1 SET @outcome = 'exists';
{% for row_ in transaction.unnamed %}
  IF @outcome = '' AND EXISTS (SELECT 1 {{ row(row_) -}}
{% for test in row_.tests %}
    AND {{ held(test) }}
{%- endfor %}
  ) SET @outcome = 'named';
{% endfor %}
{% else %}
  IF @found = 0 SET @outcome = 'gone';
{% if transaction.own %}
  IF @outcome = '' AND NOT EXISTS (SELECT 1 FROM dbo.{{ table | name }} AS t WHERE {{ its("t", keys[number]) }}
{% for test in transaction.own %}
    AND {{ held(test) }}
{%- endfor %}
  ) SET @outcome = 'changed';
{% endif %}
{% for joined in transaction.seen %}
  IF @outcome = '' AND {{ "NOT " if not joined.absent }}EXISTS (SELECT 1 {{ row(joined) -}}
{% for test in joined.tests %}
    AND {{ held(test) }}
{%- endfor %}
  ) SET @outcome = 'changed';
{% endfor %}
{% endif %}
{% for method in transaction.methods %}
  IF @outcome = '' AND NOT EXISTS (SELECT 1 FROM dbo.SY03000 AS t WHERE t.SHIPMTHD = {{ value(method, "char(15)") }}) SET @outcome = 'no method';
{% endfor %}
{% for column, codes in transaction.pick.items() %}
{% for code in codes %}
  IF @outcome = '' AND {{ column | variable }} = '' AND @ADRSCODE <> {{ value(code) }} AND NOT {{ address(value(code, "char(15)")) }} SET {{ column | variable }} = {{ value(code) }};
{% endfor %}
  IF @outcome = '' AND {{ column | variable }} = '' SET @outcome = 'no code';
{% endfor %}
{% for one, other in transaction.apart %}
  IF @outcome = '' AND {{ one | variable }} = {{ other | variable }} SET @outcome = 'shared';
{% endfor %}
{% for code in transaction.whole %}
  IF {{ address(code | variable) }}
    SELECT {% for column in place %}{{ (code ~ "_" ~ column) | variable }} = NULL{{ ", " if not loop.last }}{% endfor %};

  ELSE IF {{ code | variable }} = @ADRSCODE
    SELECT {% for column in place %}{{ (code ~ "_" ~ column) | variable }} = {{ ("own_" ~ column) | variable }}{{ ", " if not loop.last }}{% endfor %};

  ELSE
    SELECT {% for column in place %}{{ (code ~ "_" ~ column) | variable }} = ''{{ ", " if not loop.last }}{% endfor %};

  {{ cut(place_limits, code ~ "_") }}
{% endfor %}
{% for call in transaction.calls %}
  IF @outcome = '' AND ISNULL(@rc, 1) = 0 AND ISNULL(@es, 1) = 0 AND ISNULL(@em, '') = ''
  BEGIN
{% if call.row %}
    SELECT {% for column in internet %}{{ column | variable }} = ''{{ ", " if not loop.last }}{% endfor %};
    SELECT {% for column in internet %}{{ column | variable }} = ISNULL(CAST(t.{{ column | name }} AS {{ internet_types[column] | type }}), ''){{ ", " if not loop.last }}{% endfor %}

    {{ row(call.row) }};
    {{ cut(internet_limits, "") }}
  END
  IF @outcome = '' AND ISNULL(@rc, 1) = 0 AND ISNULL(@es, 1) = 0 AND ISNULL(@em, '') = ''
  BEGIN
{% endif %}
    SELECT @procedure = {{ value(call.procedure) }}, @rc = NULL, @es = NULL, @em = '';
    EXEC @rc = dbo.{{ call.procedure | name }}
{%- for parameter, argument in call.arguments.items() %}
 {{ ("I_v" ~ parameter) | variable }} = {{ (argument.name | variable) if argument.name is defined else value(argument) }},
{%- endfor %}
 @O_iErrorState = @es OUTPUT, @oErrString = @em OUTPUT;
  END
{% endfor %}
  IF @outcome = '' AND (ISNULL(@rc, 1) <> 0 OR ISNULL(@es, 1) <> 0 OR ISNULL(@em, '') <> '') SET @outcome = 'refused';
  IF @outcome = ''
  BEGIN
    {{ kept(number) }}
{% if transaction.not_after %}
    IF GETUTCDATE() > {{ value(transaction.not_after, "datetime") }} SET @outcome = 'expired';
{% endif %}
  END
  IF @outcome = '' AND @@TRANCOUNT = 1
  BEGIN
    COMMIT;
    SET @outcome = 'written';
  END
  IF @outcome <> 'written' AND @@TRANCOUNT = 0 SET @outcome = 'unknown';
  IF @outcome <> 'written' AND @@TRANCOUNT > 0 ROLLBACK;
END TRY
BEGIN CATCH
  SELECT @outcome = CASE WHEN @@TRANCOUNT = 0 THEN 'unknown' ELSE 'error' END, @error = ERROR_NUMBER(), @text = ERROR_MESSAGE();
  IF @@TRANCOUNT > 0 ROLLBACK;
END CATCH
END
IF @outcome IN ('exists', 'refused', 'error', 'unknown')
BEGIN
BEGIN TRY
  {{ kept(number) }}
END TRY
BEGIN CATCH
  SET @found = -1;
END CATCH
END
SELECT {{ number }} AS gp365_record, @outcome AS outcome, @procedure AS called, @es AS state, @em AS numbers, @error AS error, @text AS told, @found AS found;
{% endfor %}
