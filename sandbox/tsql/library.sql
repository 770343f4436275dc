-- What T-SQL means and PostgreSQL does not have. Everything lives in schema tsql; run at every start.
CREATE SCHEMA IF NOT EXISTS tsql;

-- SQL Server's own error: SQLSTATE MSSQL, its number in DETAIL.
CREATE OR REPLACE FUNCTION tsql.fail(number int, message text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'MSSQL', MESSAGE = message, DETAIL = number::text; END $$;

-- Text ----------------------------------------------------------------------------------------------
-- '?' for every UTF-16 unit outside code page 1252.
CREATE OR REPLACE FUNCTION tsql.code_page(x text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF octet_length(x) = length(x) THEN RETURN x; END IF;
  x := regexp_replace(x, '[\U00010000-\U0010FFFF]', '??', 'g');
  RETURN regexp_replace(x, '[^\u0001-\u00FF€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]', '?', 'g');
END $$;

-- Storing into a column: too long is an error, trailing blanks beyond the width are not.
CREATE OR REPLACE FUNCTION tsql.put_char(x text, n int) RETURNS citext LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  x := rtrim(tsql.code_page(x), ' ');
  IF length(x) > n THEN PERFORM tsql.fail(8152, 'String or binary data would be truncated.'); END IF;
  RETURN x::citext;
END $$;
CREATE OR REPLACE FUNCTION tsql.put_nchar(x text, n int) RETURNS citext LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  x := rtrim(x, ' ');
  IF length(x) > n THEN PERFORM tsql.fail(8152, 'String or binary data would be truncated.'); END IF;
  RETURN x::citext;
END $$;
CREATE OR REPLACE FUNCTION tsql.put_nvarchar(x text, n int) RETURNS citext LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  IF length(x) > n THEN
    IF length(rtrim(x, ' ')) > n THEN PERFORM tsql.fail(8152, 'String or binary data would be truncated.'); END IF;
    x := left(x, n);
  END IF;
  RETURN x::citext;
END $$;
CREATE OR REPLACE FUNCTION tsql.put_varchar(x text, n int) RETURNS citext LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN RETURN tsql.put_nvarchar(tsql.code_page(x), n); END $$;
CREATE OR REPLACE FUNCTION tsql.put_binary(x bytea, n int) RETURNS bytea LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  IF octet_length(x) > n THEN PERFORM tsql.fail(8152, 'String or binary data would be truncated.'); END IF;
  RETURN x;
END $$;

CREATE OR REPLACE FUNCTION tsql.utf16(x text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT coalesce(string_agg(
    CASE WHEN c < 65536 THEN set_byte(set_byte('\x0000'::bytea, 0, c & 255), 1, c >> 8)
    ELSE set_byte(set_byte(set_byte(set_byte('\x00000000'::bytea, 0, ((c - 65536) >> 10) & 255), 1, 216 + ((c - 65536) >> 18)),
                  2, (c - 65536) & 255), 3, 220 + (((c - 65536) >> 8) & 3)) END, ''::bytea ORDER BY i), ''::bytea)
  FROM (SELECT i, ascii(substr(x, i, 1)) AS c FROM generate_series(1, length(x)) AS i) AS chars $$;
CREATE OR REPLACE FUNCTION tsql.bytes(x text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE r bytea := ''; c int;
BEGIN
  IF octet_length(x) = length(x) THEN RETURN convert_to(x, 'UTF8'); END IF;
  FOR i IN 1..length(x) LOOP
    c := ascii(substr(x, i, 1));
    r := r || CASE WHEN c BETWEEN 128 AND 159 THEN set_byte('\x00'::bytea, 0, c) ELSE convert_to(tsql.code_page(chr(c)), 'WIN1252') END;
  END LOOP;
  RETURN r;
END $$;
CREATE OR REPLACE FUNCTION tsql.text_of(x bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT convert_from(x, 'WIN1252') $$;

-- LIKE: % and _ and [sets], nothing else is special unless an ESCAPE character is given.
CREATE OR REPLACE FUNCTION tsql.like(pattern text, escape text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE r text := '^'; c text; i int := 1; e int; body text;
BEGIN
  IF pattern IS NULL THEN RETURN NULL; END IF;
  WHILE i <= length(pattern) LOOP
    c := substr(pattern, i, 1);
    IF escape IS NOT NULL AND c = escape THEN
      i := i + 1;
      r := r || regexp_replace(substr(pattern, i, 1), '([^[:alnum:][:space:]])', '\\\1');
    ELSIF c = '%' THEN r := r || '.*';
    ELSIF c = '_' THEN r := r || '.';
    ELSIF c = '[' THEN
      e := strpos(substr(pattern, i + 2), ']');
      IF e = 0 THEN RETURN '^(?!)'; END IF;
      body := substr(pattern, i + 1, e);
      r := r || '[' || CASE WHEN left(body, 1) = '^' THEN '^' || regexp_replace(substr(body, 2), '([\\\[\]^])', '\\\1', 'g')
                            ELSE regexp_replace(body, '([\\\[\]^])', '\\\1', 'g') END || ']';
      i := i + e + 1;
    ELSE r := r || regexp_replace(c, '([^[:alnum:][:space:]])', '\\\1');
    END IF;
    i := i + 1;
  END LOOP;
  RETURN '(?s)' || r || '$';
END $$;

CREATE OR REPLACE FUNCTION tsql.substring(x text, start int, n int) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF n < 0 THEN PERFORM tsql.fail(537, 'Invalid length parameter passed to the LEFT or SUBSTRING function.'); END IF;
  RETURN substr(x, greatest(start, 1), greatest(0, n + least(start, 1) - 1));
END $$;
CREATE OR REPLACE FUNCTION tsql.leftmost(x text, n int) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF n < 0 THEN PERFORM tsql.fail(537, 'Invalid length parameter passed to the LEFT or SUBSTRING function.'); END IF;
  RETURN left(x, n);
END $$;
CREATE OR REPLACE FUNCTION tsql.charindex(what text, x text, start int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN what = '' THEN 0 WHEN strpos(lower(substr(x, greatest(start, 1))), lower(what)) = 0 THEN 0
         ELSE strpos(lower(substr(x, greatest(start, 1))), lower(what)) + greatest(start, 1) - 1 END $$;
CREATE OR REPLACE FUNCTION tsql.replace(x text, old text, new text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN old = '' THEN x ELSE regexp_replace(x, '(?i)' || regexp_replace(old, '([^[:alnum:][:space:]])', '\\\1', 'g'),
         replace(new, '\', '\\'), 'g') END $$;

-- Conversions from text ------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION tsql.to_int(x text, kind text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE r numeric;
BEGIN
  x := btrim(x, ' ');
  IF x = '' THEN RETURN 0; END IF;
  IF x !~ '^[+-]?[0-9]+$' THEN
    PERFORM tsql.fail(245, format('Conversion failed when converting the varchar value ''%s'' to data type %s.', x, kind));
  END IF;
  r := x::numeric;
  IF kind = 'int' AND abs(r) > 2147483647 THEN
    PERFORM tsql.fail(248, format('The conversion of the varchar value ''%s'' overflowed an int column.', x));
  END IF;
  IF (kind = 'smallint' AND r NOT BETWEEN -32768 AND 32767) OR (kind = 'tinyint' AND r NOT BETWEEN 0 AND 255) THEN
    PERFORM tsql.fail(244, format('The conversion of the varchar value ''%s'' overflowed an %s column.', x,
      CASE kind WHEN 'smallint' THEN 'INT2' ELSE 'INT1' END));
  END IF;
  IF kind = 'bit' THEN RETURN (r <> 0)::int; END IF;
  RETURN r::bigint;
END $$;
-- A number as text of at most n characters.
CREATE OR REPLACE FUNCTION tsql.number_text(x text, n int, kind text, starred boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF length(x) > n AND NOT starred THEN
    PERFORM tsql.fail(8115, format('Arithmetic overflow error converting expression to data type %s.', kind));
  END IF;
  RETURN CASE WHEN length(x) > n THEN '*' ELSE x END;
END $$;
CREATE OR REPLACE FUNCTION tsql.to_bit(x text) RETURNS int2 LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF lower(btrim(x)) = 'true' THEN RETURN 1; ELSIF lower(btrim(x)) = 'false' THEN RETURN 0; END IF;
  RETURN (tsql.to_int(x, 'bit') <> 0)::int::int2;
END $$;
CREATE OR REPLACE FUNCTION tsql.to_exact(x text, kind text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF kind = 'money' THEN x := replace(replace(x, '$', ''), ',', ''); IF btrim(x) = '' THEN RETURN 0; END IF; END IF;
  IF btrim(x) !~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$' THEN
    PERFORM tsql.fail(8114, format('Error converting data type varchar to %s.', kind));
  END IF;
  RETURN btrim(x)::numeric;
END $$;
CREATE OR REPLACE FUNCTION tsql.to_float(x text) RETURNS float8 LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF btrim(x) = '' THEN RETURN 0; END IF;
  IF btrim(x) !~* '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$' THEN
    PERFORM tsql.fail(8114, 'Error converting data type varchar to float.');
  END IF;
  RETURN btrim(x)::float8;
END $$;
CREATE OR REPLACE FUNCTION tsql.to_uuid(x text) RETURNS uuid LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF x !~* '^\s*\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?' THEN
    PERFORM tsql.fail(8169, 'Conversion failed when converting from a character string to uniqueidentifier.');
  END IF;
  RETURN left(ltrim(x, ' {'), 36)::uuid;
END $$;

-- Moments --------------------------------------------------------------------------------------------
-- datetime holds 1/300 s; shown as .000, .003, .007.
CREATE OR REPLACE FUNCTION tsql.tick(x timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT date_trunc('second', x) + ((((floor((date_part('microseconds', x)::int8 % 1000000 * 300 + 500000) / 1000000)::int8) * 1000 + 150) / 300)
         * interval '1 millisecond') $$;
-- A datetime in a finer type shows its whole tick: .003 becomes .003333.
CREATE OR REPLACE FUNCTION tsql.fine(x timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT date_trunc('second', x) + (round(date_part('microseconds', x)::numeric % 1000000 * 3 / 10000) * 10000 / 3)::float8 * interval '1 microsecond' $$;
CREATE OR REPLACE FUNCTION tsql.to_moment(x text, kind text) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE m text[]; r timestamp; h int; fraction text;
BEGIN
  IF btrim(x) = '' THEN RETURN timestamp '1900-01-01'; END IF;
  m := regexp_match(x, '^\s*(?:(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{4})(\d{2})(\d{2})|(\d{1,2})[/-](\d{1,2})[/-](\d{4}))(?:[ T]+|$))?(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:[.:](\d{1,9}))?)?\s*([AaPp][Mm])?)?(Z|[+-]\d\d:\d\d)?\s*$');
  fraction := coalesce(m[13], '');
  IF m IS NULL OR (kind = 'datetime' AND (length(fraction) > 3 OR m[15] IS NOT NULL)) THEN
    PERFORM tsql.fail(241, 'Conversion failed when converting date and/or time from character string.');
  END IF;
  h := coalesce(m[10], '0')::int;
  IF m[14] IS NOT NULL THEN h := h % 12 + CASE WHEN lower(m[14]) = 'pm' THEN 12 ELSE 0 END; END IF;
  BEGIN
    r := make_timestamp(coalesce(m[1], m[4], m[9], '1900')::int, coalesce(m[2], m[5], m[7], '1')::int,
      coalesce(m[3], m[6], m[8], '1')::int, h, coalesce(m[11], '0')::int,
      (coalesce(m[12], '0') || '.' || rpad(fraction, 6, '0'))::float8);
  EXCEPTION WHEN datetime_field_overflow THEN
    PERFORM tsql.fail(CASE WHEN kind = 'datetime' THEN 242 ELSE 241 END,
      CASE WHEN kind = 'datetime' THEN 'The conversion of a varchar data type to a datetime data type resulted in an out-of-range value.'
      ELSE 'Conversion failed when converting date and/or time from character string.' END);
  END;
  RETURN CASE WHEN kind = 'datetime' THEN tsql.to_datetime(r) ELSE r END;
END $$;
CREATE OR REPLACE FUNCTION tsql.to_datetime(x timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF x < timestamp '1753-01-01' THEN
    PERFORM tsql.fail(242, 'The conversion of a varchar data type to a datetime data type resulted in an out-of-range value.');
  END IF;
  RETURN tsql.tick(x);
END $$;
-- The server's clock, which a door can put forward and back.
CREATE OR REPLACE FUNCTION tsql.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT statement_timestamp() + coalesce(nullif(current_setting('tsql.ahead', true), ''), '0')::interval $$;
-- One value a statement, moving on inside a transaction.
CREATE OR REPLACE FUNCTION tsql.getutcdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
  SELECT tsql.tick(tsql.now() AT TIME ZONE 'UTC') $$;
CREATE OR REPLACE FUNCTION tsql.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
  SELECT tsql.tick(tsql.now()::timestamp) $$;

CREATE OR REPLACE FUNCTION tsql.datediff(part text, a timestamp, b timestamp) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE r numeric;
BEGIN
  r := CASE part
    WHEN 'year' THEN date_part('year', b) - date_part('year', a)
    WHEN 'quarter' THEN (date_part('year', b) - date_part('year', a)) * 4 + date_part('quarter', b) - date_part('quarter', a)
    WHEN 'month' THEN (date_part('year', b) - date_part('year', a)) * 12 + date_part('month', b) - date_part('month', a)
    WHEN 'day' THEN b::date - a::date
    WHEN 'week' THEN floor((b::date - date '1899-12-31') / 7.0) - floor((a::date - date '1899-12-31') / 7.0)
    WHEN 'hour' THEN floor(extract(epoch FROM b) / 3600) - floor(extract(epoch FROM a) / 3600)
    WHEN 'minute' THEN floor(extract(epoch FROM b) / 60) - floor(extract(epoch FROM a) / 60)
    WHEN 'second' THEN floor(extract(epoch FROM b)) - floor(extract(epoch FROM a))
    WHEN 'millisecond' THEN floor(extract(epoch FROM b) * 1000) - floor(extract(epoch FROM a) * 1000)
    WHEN 'microsecond' THEN floor(extract(epoch FROM b) * 1000000) - floor(extract(epoch FROM a) * 1000000)
  END;
  IF abs(r) > 2147483647 THEN
    PERFORM tsql.fail(535, 'The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart.');
  END IF;
  RETURN r::int;
END $$;
CREATE OR REPLACE FUNCTION tsql.dateadd(part text, n bigint, x timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT x + CASE part WHEN 'quarter' THEN n * interval '3 months' ELSE n * ('1 ' || part)::interval END $$;
CREATE OR REPLACE FUNCTION tsql.datepart(part text, x timestamp) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE part WHEN 'weekday' THEN date_part('dow', x) + 1 WHEN 'dayofyear' THEN date_part('doy', x)
    WHEN 'second' THEN floor(date_part('second', x)) WHEN 'millisecond' THEN floor(date_part('milliseconds', x))::int % 1000
    WHEN 'microsecond' THEN date_part('microseconds', x)::int8 % 1000000
    WHEN 'week' THEN floor((date_part('doy', x) - 1 + date_part('dow', date_trunc('year', x))) / 7) + 1
    WHEN 'iso_week' THEN date_part('week', x) ELSE date_part(part, x) END::int $$;
CREATE OR REPLACE FUNCTION tsql.datename(part text, x timestamp) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE part WHEN 'month' THEN btrim(to_char(x, 'Month')) WHEN 'weekday' THEN btrim(to_char(x, 'Day'))
         ELSE tsql.datepart(part, x)::text END $$;
-- CONVERT(varchar, x, style)
CREATE OR REPLACE FUNCTION tsql.moment_text(x timestamp, style int, kind text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE
    WHEN style IN (0, 100) AND kind = 'date' THEN to_char(x, 'YYYY-MM-DD')
    WHEN style IN (0, 100) THEN to_char(x, 'Mon ') || lpad(to_char(x, 'FMDD'), 2) || to_char(x, ' YYYY ') || lpad(to_char(x, 'FMHH12'), 2) || to_char(x, ':MIAM')
    WHEN style = 101 THEN to_char(x, 'MM/DD/YYYY') WHEN style = 102 THEN to_char(x, 'YYYY.MM.DD')
    WHEN style = 103 THEN to_char(x, 'DD/MM/YYYY') WHEN style = 104 THEN to_char(x, 'DD.MM.YYYY')
    WHEN style IN (8, 108) THEN to_char(x, 'HH24:MI:SS') WHEN style = 112 THEN to_char(x, 'YYYYMMDD')
    WHEN style = 23 THEN to_char(x, 'YYYY-MM-DD')
    WHEN style IN (20, 120) THEN to_char(x, CASE kind WHEN 'date' THEN 'YYYY-MM-DD' WHEN 'time' THEN 'HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI:SS' END)
    WHEN style IN (21, 25, 121) THEN to_char(x, CASE kind WHEN 'date' THEN 'YYYY-MM-DD' WHEN 'time' THEN 'HH24:MI:SS.US"0"' WHEN 'datetime' THEN 'YYYY-MM-DD HH24:MI:SS.MS' ELSE 'YYYY-MM-DD HH24:MI:SS.US"0"' END)
    WHEN style = 126 THEN to_char(x, CASE kind WHEN 'date' THEN 'YYYY-MM-DD' WHEN 'datetime' THEN CASE WHEN date_trunc('second', x) = x THEN 'YYYY-MM-DD"T"HH24:MI:SS' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.MS' END ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"0"' END)
  END $$;

-- JSON -----------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION tsql.json(x text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE r jsonb;
BEGIN
  BEGIN r := x::jsonb; EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value OR untranslatable_character THEN r := NULL; END;
  IF r IS NULL OR jsonb_typeof(r) NOT IN ('object', 'array') THEN
    PERFORM tsql.fail(13609, format('JSON text is not properly formatted. Unexpected character ''%s'' is found at position 0.', left(ltrim(x), 1)));
  END IF;
  RETURN r;
END $$;
CREATE OR REPLACE FUNCTION tsql.is_json(x text) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN RETURN (jsonb_typeof(x::jsonb) IN ('object', 'array'))::int; EXCEPTION WHEN OTHERS THEN RETURN 0; END $$;
CREATE OR REPLACE FUNCTION tsql.json_at(j jsonb, path text[], strict boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF strict AND j IS NOT NULL AND j #> path IS NULL THEN
    PERFORM tsql.fail(13608, 'Property cannot be found on the specified JSON path.');
  END IF;
  RETURN j #> path;
END $$;
CREATE OR REPLACE FUNCTION tsql.json_scalar(j jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN jsonb_typeof(j) IN ('object', 'array') THEN NULL ELSE j #>> '{}' END $$;
CREATE OR REPLACE FUNCTION tsql.json_tree(j jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN jsonb_typeof(j) IN ('object', 'array') THEN j::text END $$;
CREATE OR REPLACE FUNCTION tsql.json_rows(j jsonb) RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT e FROM jsonb_array_elements(CASE WHEN jsonb_typeof(j) = 'array' THEN j ELSE jsonb_build_array(j) END) AS t(e) $$;
CREATE OR REPLACE FUNCTION tsql.json_pairs(j jsonb) RETURNS TABLE(key text, value text, type int) LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT k, v #>> '{}', CASE jsonb_typeof(v) WHEN 'null' THEN 0 WHEN 'string' THEN 1 WHEN 'number' THEN 2 WHEN 'boolean' THEN 3 WHEN 'array' THEN 4 ELSE 5 END
  FROM (SELECT (n - 1)::text AS k, e AS v, n FROM jsonb_array_elements(CASE WHEN jsonb_typeof(j) = 'array' THEN j ELSE '[]' END) WITH ORDINALITY AS a(e, n)
        UNION ALL SELECT p.k, p.v, 0 FROM jsonb_each(CASE WHEN jsonb_typeof(j) = 'object' THEN j ELSE '{}' END) AS p(k, v)) AS pairs ORDER BY n $$;
CREATE OR REPLACE FUNCTION tsql.to_tinyint(x int8) RETURNS int2 LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF x NOT BETWEEN 0 AND 255 THEN PERFORM tsql.fail(220, format('Arithmetic overflow error for data type tinyint, value = %s.', x)); END IF;
  RETURN x::int2;
END $$;
CREATE OR REPLACE FUNCTION tsql.binary_int(x bytea) RETURNS int8 LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN octet_length(x) >= 8 THEN ('x' || encode(substring(x FROM octet_length(x) - 7), 'hex'))::bit(64)::int8
         ELSE ('x' || lpad(encode(x, 'hex'), 8, '0'))::bit(32)::int4::int8 END $$;

-- Change tracking ------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS tsql.tracked_database(name text PRIMARY KEY, version bigint NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS tsql.tracked_table(object_id int NOT NULL, database text NOT NULL, name text NOT NULL, least bigint NOT NULL,
  PRIMARY KEY (database, object_id));
CREATE TABLE IF NOT EXISTS tsql.tracked_commit(xid xid8 NOT NULL, database text NOT NULL, version bigint, PRIMARY KEY (xid, database));
CREATE INDEX IF NOT EXISTS tracked_version ON tsql.tracked_commit(database, version);
CREATE SEQUENCE IF NOT EXISTS tsql.commit_version;
-- The lock outlasts the commit's becoming visible, so versions become visible in their order. LOCK_TIMEOUT is about rows, not about this.
CREATE OR REPLACE FUNCTION tsql.stamp_commit() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7473711);
  UPDATE tsql.tracked_commit SET version = nextval('tsql.commit_version') WHERE xid = NEW.xid AND database = NEW.database;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS stamp ON tsql.tracked_commit;
CREATE CONSTRAINT TRIGGER stamp AFTER INSERT ON tsql.tracked_commit DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION tsql.stamp_commit();
-- NULL where the database is not tracked.
CREATE OR REPLACE FUNCTION tsql.current_version(wanted text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT greatest(d.version, (SELECT max(c.version) FROM tsql.tracked_commit c WHERE c.database = wanted))
  FROM tsql.tracked_database d WHERE d.name = wanted $$;
-- NULL where the table is not tracked or not among those the login may see the changes of.
DROP FUNCTION IF EXISTS tsql.least_valid(text, int);
CREATE OR REPLACE FUNCTION tsql.least_valid(wanted text, id int, seen int[]) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT least FROM tsql.tracked_table t WHERE t.database = wanted AND t.object_id = id AND id = ANY (seen) $$;
CREATE OR REPLACE FUNCTION tsql.forget_changes(wanted text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v bigint := tsql.current_version(wanted);
BEGIN
  UPDATE tsql.tracked_database SET version = v WHERE name = wanted;
  UPDATE tsql.tracked_table SET least = v WHERE database = wanted;
  DELETE FROM tsql.tracked_commit c WHERE c.database = wanted AND c.version <= v;
  RETURN v;
END $$;

-- TRUNCATE TABLE notes no deletes: the table's history begins anew, at a version that nobody has read up to.
CREATE OR REPLACE FUNCTION tsql.begin_anew(wanted text, emptied text) RETURNS void LANGUAGE plpgsql SET lock_timeout = 0 AS $$
DECLARE v bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(7473711);
  v := nextval('tsql.commit_version');
  UPDATE tsql.tracked_database SET version = v WHERE name = wanted;
  UPDATE tsql.tracked_table SET least = v WHERE database = wanted AND name = emptied;
END $$;

-- TRY_CONVERT ----------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION tsql.can_int(x text, kind text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE r bigint;
BEGIN
  IF kind = 'bit' THEN PERFORM tsql.to_bit(x); RETURN true; END IF;
  r := tsql.to_int(x, kind);
  RETURN r IS NULL OR CASE kind WHEN 'tinyint' THEN r BETWEEN 0 AND 255 WHEN 'smallint' THEN r BETWEEN -32768 AND 32767 ELSE true END;
EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION tsql.can_exact(x text, kind text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM tsql.to_exact(x, kind); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION tsql.can_float(x text, kind text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM tsql.to_float(x); RETURN x IS NOT NULL AND btrim(x) <> ''; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION tsql.can_moment(x text, kind text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM tsql.to_moment(x, kind); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION tsql.can_uuid(x text, kind text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM tsql.to_uuid(x); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;

CREATE TABLE IF NOT EXISTS tsql.session(session_id int2, login_time timestamp, host_name citext, program_name citext, login_name citext,
  status citext, database_id int2, open_transaction_count int4, is_user_process int2);
TRUNCATE tsql.session;

-- Locks ----------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION tsql.guard(name text, key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF key IS NULL THEN PERFORM pg_advisory_xact_lock(hashtextextended(name, 0)); RETURN; END IF;
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(name, 0));
  PERFORM pg_advisory_xact_lock(hashtextextended(name || ':' || key, 0));
END $$;
