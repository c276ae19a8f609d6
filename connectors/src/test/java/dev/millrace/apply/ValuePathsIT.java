package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.rows.RowWriter;
import dev.millrace.apply.rows.TableWriter;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.testing.OddNames;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// COPY, by way of a temporary table or directly, and arrays must write the same value for the same
/// text, or all refuse it.
class ValuePathsIT {

    /// COPY into the table itself, without an upsert.
    private static final int DIRECTLY = 0;

    private static final int BY_COPY = 1;
    private static final int BY_ARRAYS = Integer.MAX_VALUE;

    private static final TestDatabase DATABASE = PostgresServer.shared().newDatabase();
    private static final Login LOGIN = GrantedLogins.of(Side.TARGET, DATABASE);
    private static int tables;

    @BeforeAll
    static void types() {
        DATABASE.execute(
                "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"', 'a,b')",
                "CREATE TYPE pair AS (a int, b text)",
                "CREATE DOMAIN moody AS mood",
                "CREATE DOMAIN short AS varchar(3) CHECK (VALUE <> 'bad')",
                "CREATE DOMAIN shorter AS short NOT NULL",
                "CREATE DOMAIN grid AS int[] CHECK (array_ndims(VALUE) = 2)",
                "CREATE TYPE floats AS RANGE (subtype = float8)",
                "CREATE SCHEMA \"My Types\"",
                "CREATE TYPE \"My Types\".\"Kind\" AS ENUM ('x')",
                "CREATE SCHEMA " + OddNames.QUOTED,
                "CREATE TYPE "
                        + OddNames.QUOTED
                        + "."
                        + OddNames.QUOTED
                        + " AS ENUM ('a', 'b', '100% {x}', '?')");
    }

    private static void create(String table) {
        DATABASE.execute(table);
        GrantedLogins.apply(DATABASE, "public.*", OddNames.QUOTED + ".*");
    }

    static Stream<Arguments> values() {
        return Stream.of(
                Arguments.of("int2", new String[] {"-32768", "0", "32767"}),
                Arguments.of("int4", new String[] {"-2147483648", "2147483647"}),
                Arguments.of("int8", new String[] {"-9223372036854775808", "1"}),
                Arguments.of(
                        "numeric", new String[] {"1.00", "1e400", "NaN", "-Infinity", "0.000"}),
                Arguments.of("numeric(5,2)", new String[] {"1.005", "-999.99", "1"}),
                Arguments.of("float4", new String[] {"-0", "NaN", "1e-45", "3.4028235e+38"}),
                Arguments.of("float8", new String[] {"-0", "Infinity", "5e-324", "0.1"}),
                Arguments.of("money", new String[] {"$1,234.56", "-$0.01"}),
                Arguments.of("bool", new String[] {"t", "f"}),
                Arguments.of("text", texts()),
                Arguments.of("varchar", texts()),
                Arguments.of("varchar(3)", new String[] {"", "abc", "ab ", "abc   ", "žlu"}),
                Arguments.of("char(3)", new String[] {"", "a", "ab ", "abc", "abc  "}),
                Arguments.of("char(3)[]", new String[] {"{a,\"b \",NULL,\"\"}"}),
                Arguments.of("varchar(3)[]", new String[] {"{abc,NULL,\"NUL\",\"\"}"}),
                Arguments.of("bpchar", new String[] {"", "a  "}),
                Arguments.of("name", new String[] {"n", "x".repeat(80)}),
                Arguments.of("\"char\"", new String[] {"", "a", "\\303"}),
                Arguments.of("bytea", new String[] {"\\x", "\\x00ff5c", "\\x0a09"}),
                Arguments.of("date", new String[] {"0001-01-01 BC", "infinity", "2024-02-29"}),
                Arguments.of("time", new String[] {"24:00:00", "23:59:59.999999"}),
                Arguments.of("time(2)", new String[] {"23:59:59.999"}),
                Arguments.of("timetz", new String[] {"12:00:00.5+05:30", "00:00:00-15:59"}),
                Arguments.of("timestamp", new String[] {"-infinity", "2024-01-01 00:00:00.000001"}),
                Arguments.of("timestamp(0)", new String[] {"2024-01-01 00:00:00.5"}),
                Arguments.of(
                        "timestamptz",
                        new String[] {
                            "infinity", "2024-07-01 12:00:00.123456+00", "0044-03-15 12:00:00+00 BC"
                        }),
                Arguments.of(
                        "interval",
                        new String[] {
                            "1 mon", "30 days", "-1 years -2 mons +3 days -04:05:06.789", "infinity"
                        }),
                Arguments.of("interval(1)", new String[] {"00:00:01.25"}),
                Arguments.of("interval day to second", new String[] {"3 days 01:02:03"}),
                Arguments.of("bit(3)", new String[] {"101", "000"}),
                Arguments.of("bit varying(5)", new String[] {"", "10101"}),
                Arguments.of("bit(3)[]", new String[] {"{101,000}"}),
                Arguments.of("varbit", new String[] {"1", ""}),
                Arguments.of("uuid", new String[] {"00112233-4455-6677-8899-aabbccddeeff"}),
                Arguments.of(
                        "json",
                        new String[] {"{\"b\": 1,  \"a\":null, \"b\":2}", "\"\\u0041\\n\""}),
                Arguments.of("jsonb", new String[] {"{\"a\": [1, 2.0, \"\\\\ \\t\"]}", "1.00"}),
                Arguments.of("xml", new String[] {"<a b=\"1\">x &amp; y</a>", "text only"}),
                Arguments.of("inet", new String[] {"10.1.2.3/8", "::1"}),
                Arguments.of("cidr", new String[] {"10.0.0.0/8"}),
                Arguments.of("macaddr", new String[] {"08:00:2b:01:02:03"}),
                Arguments.of("point", new String[] {"(1.5,-2)"}),
                Arguments.of("box", new String[] {"(2,2),(1,1)"}),
                Arguments.of("box[]", new String[] {"{(2,2),(1,1);(4,4),(3,3)}"}),
                Arguments.of("polygon", new String[] {"((0,0),(1,1),(2,0))"}),
                Arguments.of("tsvector", new String[] {"'a':1A 'it''s':2"}),
                Arguments.of("tsquery", new String[] {"'a' & !'b'"}),
                Arguments.of("pg_lsn", new String[] {"16/B374D848"}),
                Arguments.of("regclass", new String[] {"-", "pg_class", "1259"}),
                Arguments.of("oid", new String[] {"4294967295"}),
                Arguments.of("int4range", new String[] {"[1,5)", "empty", "(,)"}),
                Arguments.of("tstzrange", new String[] {"[\"2024-01-01 00:00:00+00\",infinity)"}),
                Arguments.of("floats", new String[] {"[0.1,0.30000000000000004)"}),
                Arguments.of("int4multirange", new String[] {"{[1,2),[5,7)}", "{}"}),
                Arguments.of(
                        "int4[]",
                        new String[] {"{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"}),
                Arguments.of(
                        "text[]",
                        new String[] {
                            "{\"\",NULL,\"NULL\",\"a,b\",\"\\\"q\\\\\",\"t\tn\nx\"}",
                            "{{{a}},{{b}}}"
                        }),
                Arguments.of("bytea[]", new String[] {"{\"\\\\x00\",\"\\\\xff\"}"}),
                Arguments.of(
                        "timestamptz[]", new String[] {"{infinity,\"2024-01-01 00:00:00+00\"}"}),
                Arguments.of("mood", new String[] {"sad", "it's \"ok\"", "a,b"}),
                Arguments.of("mood[]", new String[] {"{sad,\"it's \\\"ok\\\"\",\"a,b\",NULL}"}),
                Arguments.of(
                        "pair", new String[] {"(1,x)", "(,)", "(,\"\")", "(2,\"a,\\\\\"\"b\")"}),
                Arguments.of("pair[]", new String[] {"{\"(1,\\\"a b\\\")\",NULL}"}),
                Arguments.of("short", new String[] {"", "abc", "abc "}),
                Arguments.of("short[]", new String[] {"{abc,NULL,\"\"}"}),
                Arguments.of("shorter", new String[] {"", "abc  "}),
                Arguments.of("grid", new String[] {"{{1,2},{3,4}}"}),
                Arguments.of("\"My Types\".\"Kind\"", new String[] {"x"}));
    }

    private static String[] texts() {
        return new String[] {
            "",
            " ",
            "NULL",
            "\\N",
            "\\.",
            "\\",
            "\\\\t",
            "\t",
            "\n",
            "\r\n",
            "\"",
            "'",
            "{a,b}",
            "a\u0001b",
            "𝄞 ž \u2028",
            "__debezium_unavailable_value",
            "x".repeat(100_000)
        };
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("values")
    void copyAndArraysWriteTheSameValue(String type, String[] texts) throws Exception {
        String table = "t" + ++tables;
        String nullable = type.equals("shorter") ? "" : ", (" + (texts.length + 1) + ", NULL)";
        create("CREATE TABLE " + table + " (id int PRIMARY KEY, v " + type + ")");

        write(table, BY_COPY, texts, !nullable.isEmpty());
        List<List<@Nullable String>> copied = contents(table);
        DATABASE.execute("TRUNCATE " + table);
        write(table, BY_ARRAYS, texts, !nullable.isEmpty());
        List<List<@Nullable String>> unnested = contents(table);
        write(table, BY_ARRAYS, texts, !nullable.isEmpty());
        assertThat(contents(table)).isEqualTo(copied);
        DATABASE.execute("TRUNCATE " + table);
        write(table, DIRECTLY, texts, !nullable.isEmpty());

        assertThat(copied).hasSize(texts.length + (nullable.isEmpty() ? 0 : 1));
        assertThat(unnested).isEqualTo(copied);
        assertThat(contents(table)).isEqualTo(copied);
        assertThat(copied).isEqualTo(literals(type, texts, !nullable.isEmpty()));
    }

    /// The values that the server stores when the texts are literals assigned to such a column.
    private static List<List<@Nullable String>> literals(
            String type, String[] texts, boolean withNull) {
        String table = "t" + ++tables;
        DATABASE.execute("CREATE TABLE " + table + " (id int PRIMARY KEY, v " + type + ")");
        for (int i = 0; i < texts.length; i++) {
            DATABASE.execute(
                    "INSERT INTO "
                            + table
                            + " VALUES ("
                            + i
                            + ", '"
                            + texts[i].replace("'", "''")
                            + "')");
        }
        if (withNull) {
            DATABASE.execute("INSERT INTO " + table + " VALUES (" + texts.length + ", NULL)");
        }
        return contents(table);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "varchar(3)|abcd",
                "char(3)|abcd",
                "bit(3)|10101",
                "bit(3)|1",
                "varbit(2)|101",
                "short|abcd",
                "short|bad",
                "shorter|NULL",
                "grid|{1}",
                "numeric(5,2)|1000",
                "int2|32768",
                "int4|x",
                "mood|angry",
                "varchar(3)[]|{abcd}",
                "uuid|1"
            })
    void copyAndArraysRefuseWhatTheColumnDoesNotAccept(String typeAndText) throws Exception {
        String type = typeAndText.substring(0, typeAndText.indexOf('|'));
        String text = typeAndText.substring(typeAndText.indexOf('|') + 1);
        String table = "t" + ++tables;
        create("CREATE TABLE " + table + " (id int PRIMARY KEY, v " + type + ")");
        RowSchema schema = ApplierScenario.rowSchema(table, "id", "v");
        List<Row> rows = List.of(Row.of(schema, "1", text.equals("NULL") ? null : text));

        for (int rowsForCopy : new int[] {BY_COPY, BY_ARRAYS}) {
            assertThatThrownBy(() -> upsert(schema, rowsForCopy, rows))
                    .isInstanceOfSatisfying(
                            SQLException.class,
                            e -> assertThat(FailureClassifier.rejectsStatement(e)).isTrue());
        }
        try (TargetSession session = ApplierScenario.session(LOGIN)) {
            Connection connection = session.connection();
            assertThat(new TableWriter(connection, schema, 1, TableRule.NONE, BY_COPY).insert(rows))
                    .isFalse();
            connection.commit();
        }
        assertThat(contents(table)).isEmpty();
    }

    @Test
    void copyAndArraysMatchTheSameKeys() throws Exception {
        create(
                "CREATE TABLE keyed (a char(4), b numeric, c short, d bytea,"
                        + " e moody, v text, PRIMARY KEY (a, b, c, d, e))");
        RowSchema schema =
                RowSchema.keyed(
                        ApplierScenario.rowSchema("keyed", "x").table(),
                        List.of("v", "a", "b", "c", "d", "e"),
                        List.of("a", "b", "c", "d", "e"));
        List<Row> rows = List.of(Row.of(schema, "one", "ab", "1.0", "x", "\\x00", "a,b"));
        upsert(schema, BY_ARRAYS, rows);
        upsert(
                schema,
                BY_COPY,
                List.of(Row.of(schema, "two", "ab  ", "1.00", "x", "\\x00", "a,b")));

        assertThat(DATABASE.query("SELECT v FROM keyed")).isEqualTo(List.of(List.of("two")));
        try (TargetSession session = ApplierScenario.session(LOGIN)) {
            Connection connection = session.connection();
            TableWriter writer = new TableWriter(connection, schema, 1, TableRule.NONE, BY_ARRAYS);
            writer.update(
                    List.of(
                            new Row.Builder(schema)
                                    .unchanged(0)
                                    .text(1, "ab")
                                    .text(2, "1")
                                    .text(3, "x")
                                    .text(4, "\\x00")
                                    .text(5, "a,b")
                                    .build()));
            writer.delete(List.of(RowKey.of(schema.table(), "ab  ", "1.000", "x", "\\x00", "a,b")));
            connection.commit();
        }
        assertThat(DATABASE.query("SELECT v FROM keyed")).isEmpty();
    }

    @Test
    void identityColumnKeepsTheSourceValue() throws Exception {
        create("CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)");
        RowSchema schema = ApplierScenario.rowSchema("numbered", "id", "v");
        upsert(schema, BY_ARRAYS, List.of(Row.of(schema, "7", "x")));
        upsert(schema, BY_COPY, List.of(Row.of(schema, "7", "y"), Row.of(schema, "8", "z")));

        upsert(schema, DIRECTLY, List.of(Row.of(schema, "9", "a")));

        assertThat(contents("numbered"))
                .isEqualTo(List.of(List.of("7", "y"), List.of("8", "z"), List.of("9", "a")));
    }

    @Test
    void upsertsATableOfKeyColumnsOnly() throws Exception {
        create("CREATE TABLE \"Key \"\"Only\" (\"A b\" int PRIMARY KEY)");
        RowSchema schema = ApplierScenario.rowSchema("Key \"Only", "A b");
        upsert(schema, BY_ARRAYS, List.of(Row.of(schema, "1")));
        upsert(schema, BY_COPY, List.of(Row.of(schema, "1"), Row.of(schema, "2")));

        assertThat(DATABASE.value("SELECT count(*) FROM \"Key \"\"Only\"")).isEqualTo("2");
    }

    @Test
    void everyStatementQuotesOddNames() throws Exception {
        String type = OddNames.QUOTED + "." + OddNames.QUOTED;
        String table = type.substring(0, type.length() - 1) + "t\"";
        create(
                "CREATE TABLE "
                        + table
                        + " ("
                        + OddNames.QUOTED
                        + " "
                        + type
                        + " PRIMARY KEY,"
                        + " \"%d\" "
                        + type
                        + "[], \"? {fn v}\" text)");
        TableId id = new TableId(OddNames.NAME, OddNames.NAME + "t");
        RowSchema schema =
                RowSchema.keyed(
                        id, List.of(OddNames.NAME, "%d", "? {fn v}"), List.of(OddNames.NAME));
        upsert(
                schema,
                BY_COPY,
                List.of(Row.of(schema, "a", "{a,?}", "x"), Row.of(schema, "b", null, null)));
        upsert(
                schema,
                BY_ARRAYS,
                List.of(Row.of(schema, "b", "{b}", "y"), Row.of(schema, "?", null, "z")));
        Row percent = Row.of(schema, "100% {x}", null, null);
        upsert(schema, DIRECTLY, List.of(percent));

        try (TargetSession session = ApplierScenario.session(LOGIN)) {
            Connection connection = session.connection();
            TableWriter writer = new TableWriter(connection, schema, 1, TableRule.NONE, BY_ARRAYS);
            writer.update(
                    List.of(
                            new Row.Builder(schema)
                                    .text(0, "a")
                                    .text(1, "{\"100% {x}\"}")
                                    .unchanged(2)
                                    .build(),
                            new Row.Builder(schema)
                                    .text(0, "b")
                                    .unchanged(1)
                                    .unchanged(2)
                                    .build()));
            writer.delete(List.of(RowKey.of(id, "?"), percent.key()));
            writer.checkDeferred();
            connection.commit();

            assertThat(DATABASE.query("SELECT t::text FROM " + table + " AS t ORDER BY 1"))
                    .isEqualTo(
                            List.of(List.of("(a,\"{\"\"100% {x}\"\"}\",x)"), List.of("(b,{b},y)")));

            new RowWriter(connection, Map.of()).empty(id);
            connection.commit();
        }
        assertThat(DATABASE.query("TABLE " + table)).isEmpty();
    }

    private static void write(String table, int rowsForCopy, String[] texts, boolean withNull)
            throws Exception {
        RowSchema schema = ApplierScenario.rowSchema(table, "id", "v");
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < texts.length; i++) {
            rows.add(Row.of(schema, "" + i, texts[i]));
        }
        if (withNull) {
            rows.add(Row.of(schema, "" + texts.length, null));
        }
        upsert(schema, rowsForCopy, rows);
    }

    private static void upsert(RowSchema schema, int rowsForCopy, List<Row> rows) throws Exception {
        try (TargetSession session = ApplierScenario.session(LOGIN)) {
            Connection connection = session.connection();
            TableWriter writer =
                    new TableWriter(connection, schema, 1, TableRule.NONE, rowsForCopy);
            if (rowsForCopy == DIRECTLY) {
                assertThat(writer.insert(rows)).isTrue();
            } else {
                writer.upsert(rows);
            }
            connection.commit();
        }
    }

    private static List<List<@Nullable String>> contents(String table) {
        return DATABASE.query("SELECT id::text, v::text FROM " + table + " ORDER BY id");
    }
}
