package dev.millrace.mapping;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session;
import dev.millrace.sql.Relation;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/// The table that the generated texts are about, with columns of every type, in a database of its
/// test; and PostgreSQL's results of expressions over its rows. Not thread-safe.
final class OracleTable implements AutoCloseable {

    /// The result of an expression that fails in a row, and of one that is NULL.
    static final String FAILED = "\u0001error";

    static final String NULL = "\u0003";

    private static final String PROBE =
            """
            CREATE FUNCTION public.probe(expressions text[], OUT kinds text[], OUT results text[])
            LANGUAGE plpgsql AS $f$
            DECLARE e text; k text; r text[]; one text; row_id int;
            BEGIN
              FOREACH e IN ARRAY expressions LOOP
                BEGIN
                  EXECUTE 'SELECT array_agg(CASE WHEN x IS NULL THEN NULL ELSE concat(x) END ORDER BY id),'
                    || ' min(pg_typeof(x)::text) FROM (SELECT id, ' || e
                    || E'\\n AS x FROM public.oracle OFFSET 0) q' INTO r, k;
                EXCEPTION WHEN OTHERS THEN
                  k := SQLSTATE;
                  r := '{}';
                  IF k NOT LIKE '42%' THEN
                    FOR row_id IN SELECT id FROM public.oracle ORDER BY id LOOP
                      BEGIN
                        EXECUTE 'SELECT CASE WHEN x IS NULL THEN NULL ELSE concat(x) END FROM (SELECT '
                          || e || E'\\n AS x FROM public.oracle WHERE id = $1 OFFSET 0) q' INTO one USING row_id;
                      EXCEPTION WHEN OTHERS THEN
                        one := E'\\x01error';
                      END;
                      r := r || one;
                    END LOOP;
                  END IF;
                END;
                kinds := kinds || k;
                results := results || array_to_string(r, E'\\x02', E'\\x03');
              END LOOP;
            END $f$
            """;

    private static final String CREATE =
            "CREATE TABLE public.oracle (id int4 PRIMARY KEY, s int2, i int4, l int8, n numeric,"
                    + " m numeric(12,3), t text, v varchar(10), c char(6), x text, b bool, d date,"
                    + " ts timestamp, tz timestamptz, u uuid, j jsonb, f float8)";

    private final Database database;
    private final Session session;
    private final Connection connection;
    private final Relation relation;

    private OracleTable(TestDatabase own) throws SQLException {
        own.execute(CREATE, PROBE);
        rows().forEach(row -> own.execute("INSERT INTO public.oracle VALUES (" + row + ")"));
        database = GrantedLogins.capture("m", own, "public.oracle").database("oracle");
        session = database.session();
        connection = database.connect("oracle");
        relation = session.sourceCatalog().relation(new TableId("public", "oracle")).orElseThrow();
    }

    static OracleTable create(TestDatabase own) throws SQLException {
        return new OracleTable(own);
    }

    Session session() {
        return session;
    }

    Connection connection() {
        return connection;
    }

    Relation relation() {
        return relation;
    }

    /// @param type of the expression, or the SQLSTATE with which PostgreSQL refuses it
    /// @param texts of its value in each row, or [#FAILED] or [#NULL]
    record Probed(String type, String[] texts) {}

    List<Probed> probe(List<String> expressions) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT kinds, results FROM public.probe(?)")) {
            statement.setArray(1, connection.createArrayOf("text", expressions.toArray()));
            try (ResultSet result = statement.executeQuery()) {
                result.next();
                String[] types = (String[]) result.getArray(1).getArray();
                String[] texts = (String[]) result.getArray(2).getArray();
                List<Probed> probed = new ArrayList<>();
                for (int i = 0; i < types.length; i++) {
                    probed.add(new Probed(types[i], texts[i].split("\u0002", -1)));
                }
                return probed;
            }
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
        session.close();
        database.close();
    }

    /// The rows of the table, as text; the first are plain, the later ones lie on the edges.
    private static List<String> rows() {
        return List.of(
                "1, 1, 1, 1, 1.50, 1.500, 'abc', 'abc', 'abc', '12', true, '2020-01-31', '2020-01-31 12:30:00.5', '2020-01-31 12:30:00+00', '00000000-0000-0000-0000-00000000000a', '{\"a\": 1}', 1.5",
                "2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
                "3, 0, 0, 0, 0, 0, '', '', '', '', false, '0001-01-01', '0001-01-01', '0001-01-01 00:00:00+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[]', 0",
                "4, -7, -7, -7, -7.25, -0.005, ' a b ', 'aB%_c', 'ab', ' -7 ', true, '2020-02-29', '2020-02-29 00:00:00.000001', '1999-12-31 23:59:59.999+00', '00000000-0000-0000-0000-00000000000b', 'null', -0.1",
                "5, 2, 3, 10, 100, 33.333, 'Äpfel ẞ straße', 'ÄÖÜäöüß', 'Ä b', '1.5', false, '12345-06-07', '12345-06-07 01:02:03', '12345-06-07 01:02:03+00', '10000000-0000-0000-0000-000000000000', '\"x\"', 1e300",
                "6, 32767, 2147483647, 9223372036854775807, 99999999999999999999.123456789, 999999999.999, 'ab  ', 'ab  ', 'ab  ', 'yes', true, 'infinity', 'infinity', 'infinity', NULL, '1', 'NaN'",
                "7, -32768, -2147483648, -9223372036854775808, 'NaN', -999999999.999, 'a\\%b_', '\\', '%', 'NaN', NULL, '-infinity', '-infinity', '-infinity', NULL, NULL, '-Infinity'",
                "8, 3, 100, 1000, 0.0000000000000000001, 0.001, '😀\uFFFDé\u0301ıİ', '日本語', '日本', '1e3', false, '0044-03-15 BC', '0044-03-15 12:00:00 BC', '0044-03-15 12:00:00+00 BC', '00000000-0000-0000-0000-00000000000a', '{}', 2",
                "9, 5, -1, 4294967296, 'Infinity', 12.345, 'ABC', 'a', 'abcdef', 'TRUE', true, '2020-01-31', '2020-01-31 12:30:00', '2020-01-31 12:30:00.5+00', '00000000-0000-0000-0000-00000000000a', '{\"b\": null}', 0.1",
                "10, 100, 255, 65536, 12345.6789, 500.500, 'a\tb', '  x', ' x', 'off', true, '1970-01-01', '1970-01-01 00:00:00', '1970-01-01 00:00:00+00', '0a000000-0000-0000-0000-000000000000', '2', 3.25",
                "11, 4, 8, 16, -0.5, 2.5, 'aabbaa', 'b', 'b', '99999999999', false, NULL, NULL, NULL, NULL, NULL, NULL");
    }
}
