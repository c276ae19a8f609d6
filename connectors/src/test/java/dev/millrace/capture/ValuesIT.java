package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Snapshot and stream deliver every value as the text that the output function of its type prints.
class ValuesIT {

    /// A type and literals of the type.
    private record Samples(String type, List<String> literals) {}

    private static final List<Samples> SAMPLES =
            List.of(
                    new Samples("bool", List.of("true", "false")),
                    new Samples("int2", List.of("'-32768'")),
                    new Samples("int8", List.of("9223372036854775807")),
                    new Samples(
                            "float4",
                            List.of("1e-5", "123456.7", "1e6", "'NaN'", "'-Infinity'", "'-0'")),
                    new Samples(
                            "float8",
                            List.of(
                                    "0.1",
                                    "1e15",
                                    "123456789012345",
                                    "1e-5",
                                    "0.0001",
                                    "1.7976931348623157e308",
                                    "'Infinity'")),
                    new Samples(
                            "numeric",
                            List.of(
                                    "1.10",
                                    "-0.000000000000000000000000000000000001",
                                    "'NaN'",
                                    "'Infinity'",
                                    "1e30")),
                    new Samples("numeric(12,2)", List.of("1", "1234567890.12")),
                    new Samples(
                            "text",
                            List.of("''", "E'tab\\tnew\\nline \\\\ back'", "'é𝄞'", "'unchanged'")),
                    new Samples("varchar(5)", List.of("'ab '")),
                    new Samples("char(5)", List.of("'ab '")),
                    new Samples("bpchar", List.of("'ab '")),
                    new Samples("name", List.of("'a_name'")),
                    new Samples("\"char\"", List.of("'x'", "''")),
                    new Samples(
                            "money",
                            List.of("1234567.5", "-0.01", "0", "'-92233720368547758.08'", "-999")),
                    new Samples("bytea", List.of("''", "'\\xdeadBEEF00'")),
                    new Samples(
                            "date",
                            List.of(
                                    "'2024-02-29'",
                                    "'0044-03-15 BC'",
                                    "'infinity'",
                                    "'-infinity'",
                                    "'5874897-12-31'",
                                    "'4713-11-24 BC'")),
                    new Samples("time", List.of("'24:00'", "'12:34:56.7'")),
                    new Samples("timetz", List.of("'12:34:56.789012+05:30'")),
                    new Samples(
                            "timestamp",
                            List.of(
                                    "'2024-02-29 12:34:56.000001'",
                                    "'0044-03-15 00:00:00 BC'",
                                    "'infinity'",
                                    "'-infinity'",
                                    "'294276-12-31 23:59:59.999999'")),
                    new Samples(
                            "timestamptz",
                            List.of(
                                    "'2024-07-01 00:00:00+02'",
                                    "'1883-11-18 12:00:00+00'",
                                    "'infinity'",
                                    "'0044-03-15 00:00:00+00 BC'")),
                    new Samples(
                            "interval",
                            List.of(
                                    "'1 year 2 mons -3 days 04:05:06.7'",
                                    "'-1 year -2 mons +3 days -04:05:06'",
                                    "'0'",
                                    "'30 days'",
                                    "'100:00:00.000001'",
                                    "'-00:00:01'",
                                    "'1 day'",
                                    "'-1 mons'",
                                    "'infinity'",
                                    "'-infinity'",
                                    "'2147483648:00:00'",
                                    "'-2562047788:00:54'",
                                    "'178956970 years 7 mons 2147483647 days'")),
                    new Samples("interval(0)", List.of("'2147483648:00:00.5'")),
                    new Samples("uuid", List.of("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'")),
                    new Samples("json", List.of("'{\"b\": 1,  \"a\": [1.0, 2e3], \"b\": null}'")),
                    new Samples(
                            "jsonb", List.of("'{\"b\": 1, \"a\": [1.0, 12345678901234567890]}'")),
                    new Samples(
                            "xml",
                            List.of(
                                    "'<a b=\"1\">x</a>'",
                                    "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>1</a>'",
                                    "'<?xml version=\"1.1\"?><a/>'")),
                    new Samples("inet", List.of("'10.0.0.1/8'", "'10.0.0.1'", "'::1'")),
                    new Samples("cidr", List.of("'10.0.0.0/8'")),
                    new Samples("macaddr8", List.of("'08:00:2b:01:02:03:04:05'")),
                    new Samples("bit(5)", List.of("B'00101'")),
                    new Samples("varbit", List.of("B'0001'")),
                    new Samples("point", List.of("'(1,-2.5)'", "'(1e20,0.1)'")),
                    new Samples("line", List.of("'{1,2.5,3}'")),
                    new Samples("lseg", List.of("'[(1,2),(3,4.5)]'")),
                    new Samples("box", List.of("'(3,4),(1,2)'")),
                    new Samples("path", List.of("'[(1,2),(3,4)]'", "'((1,2),(3,4))'")),
                    new Samples("polygon", List.of("'((0,0),(1,1.5),(2,0))'")),
                    new Samples("circle", List.of("'<(1,2),3>'")),
                    new Samples("int4range", List.of("'[1,5)'", "'empty'")),
                    new Samples("tstzrange", List.of("'[2024-07-01 00:00+02,)'")),
                    new Samples("int4multirange", List.of("'{[1,3),[5,7)}'")),
                    new Samples("tsvector", List.of("'a:1 b:2'")),
                    new Samples("tsquery", List.of("'a & b'")),
                    new Samples("pg_lsn", List.of("'16/B374D848'")),
                    new Samples("oid", List.of("42")),
                    new Samples("xid8", List.of("'42'")),
                    new Samples("jsonpath", List.of("'$.a[*]'")),
                    new Samples("int4[]", List.of("'{{1,2},{3,NULL}}'", "'[0:1]={1,2}'", "'{}'")),
                    new Samples("text[]", List.of("'{\"a,b\",\"\",NULL,\"q\\\"\"}'")),
                    new Samples("numeric[]", List.of("'{NaN,1.10}'")),
                    new Samples("bool[]", List.of("'{t,f,NULL}'")),
                    new Samples("bytea[]", List.of("ARRAY['\\x01'::bytea]")),
                    new Samples(
                            "timestamptz[]", List.of("ARRAY['2024-07-01 00:00+02'::timestamptz]")),
                    new Samples("interval[]", List.of("'{1 day,infinity,2147483648:00:00}'")),
                    new Samples("xml[]", List.of("ARRAY['<?xml version=\"1.0\"?><a/>'::xml]")),
                    new Samples("money[]", List.of("'{1234.5,-0.01}'")),
                    new Samples("char(3)[]", List.of("'{a,NULL}'")),
                    new Samples("regclass", List.of("'pg_class'", "'-'")),
                    new Samples("pg_snapshot", List.of("'10:20:10,14'")),
                    new Samples("oidvector", List.of("'1 2'")),
                    new Samples("citext", List.of("'Ab'")),
                    new Samples("hstore", List.of("'a=>1, \"b c\"=>NULL'")),
                    new Samples("spans", List.of("'[1 day,infinity)'")),
                    new Samples("yes", List.of("true")),
                    new Samples("yes[]", List.of("'{t,NULL}'")),
                    new Samples("varbit[]", List.of("ARRAY[B'0001'::varbit]")),
                    new Samples("mood", List.of("'so, so'")),
                    new Samples("mood[]", List.of("'{\"so, so\",sad}'")),
                    new Samples("pair", List.of("ROW(1, 'a \"b\"')", "ROW(NULL, NULL)")),
                    new Samples("pair[]", List.of("ARRAY[ROW(1, NULL)::pair]")),
                    new Samples("positive", List.of("7.50")));

    /// Each type has a column without a default, one with a default, and one that is NOT NULL with
    /// a default. NULL stays NULL and never becomes the default, whenever the row is written and
    /// the default changes.
    @Test
    void deliversEveryTypeAsServerText() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.source.execute(
                    "CREATE TYPE mood AS ENUM ('sad', 'so, so')",
                    "CREATE TYPE pair AS (a int, b text)",
                    "CREATE DOMAIN positive AS numeric CHECK (VALUE > 0)",
                    "CREATE DOMAIN yes AS bool",
                    "CREATE TYPE spans AS RANGE (subtype = interval)",
                    "CREATE EXTENSION citext",
                    "CREATE EXTENSION hstore",
                    "CREATE FUNCTION loud(mood) RETURNS text LANGUAGE sql AS $$ SELECT 'loud' $$",
                    "CREATE CAST (mood AS text) WITH FUNCTION loud(mood)");
            List<String> columns = new ArrayList<>(List.of("id int"));
            for (int i = 0; i < SAMPLES.size(); i++) {
                String type = SAMPLES.get(i).type();
                String withDefault = type + " DEFAULT " + literal(SAMPLES.get(i), 0);
                columns.add("c" + i + " " + type);
                columns.add("d" + i + " " + withDefault);
                columns.add("n" + i + " " + withDefault + " NOT NULL");
            }
            scene.table("item", columns, "id", true);
            insert(scene, 0);
            Map<String, List<@Nullable String>> atFirst = truth(scene);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            insert(scene, 1000);
            scene.source.execute(
                    "UPDATE item SET "
                            + each(i -> "c%1$d = NULL, d%1$d = NULL".formatted(i))
                            + " WHERE id IN (0, 1000)",
                    "ALTER TABLE item " + each(ValuesIT::anotherDefault));
            insert(scene, 2000);
            scene.awaitWatermark(capture);

            Map<String, Row> read = new HashMap<>();
            Map<String, Row> streamed = new HashMap<>();
            for (ChangeEvent event : scene.log()) {
                switch (event) {
                    case ChangeEvent.Read(_, _, var row) -> read.put(row.text(0), row);
                    case ChangeEvent.Insert(_, _, var row) -> streamed.put(row.text(0), row);
                    case ChangeEvent.Update(_, _, var row) -> streamed.put(row.text(0), row);
                    case ChangeEvent.Delete _,
                            ChangeEvent.Truncate _,
                            ChangeEvent.BackfillComplete _,
                            ChangeEvent.Watermark _ -> {}
                }
            }
            assertThat(read.keySet()).isEqualTo(atFirst.keySet());
            assertThat(differences("read", read, atFirst)).isEmpty();
            assertThat(streamed).hasSize(2 * atFirst.size() + 1);
            assertThat(differences("streamed", streamed, truth(scene))).isEmpty();
        }
    }

    private static List<String> differences(
            String how, Map<String, Row> rows, Map<String, List<@Nullable String>> truth) {
        List<String> differences = new ArrayList<>();
        rows.forEach(
                (id, row) -> {
                    List<@Nullable String> expected = truth.getOrDefault(id, List.of());
                    for (int i = 1; i < row.schema().size(); i++) {
                        if (!Objects.equals(row.text(i), expected.get(i))) {
                            differences.add(
                                    SAMPLES.get((i - 1) / 3).type()
                                            + " "
                                            + row.schema().columns().get(i)
                                            + " "
                                            + how
                                            + " as "
                                            + row.text(i)
                                            + ", the server prints "
                                            + expected.get(i));
                        }
                    }
                });
        return differences;
    }

    @Test
    void supportsGeneratedColumnsAtAnyPosition() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            String stored = " int GENERATED ALWAYS AS (%s + 1) STORED";
            String virtual = " int GENERATED ALWAYS AS (%s + 2) VIRTUAL";
            Map<String, List<String>> tables =
                    Map.of(
                            "head", List.of("g" + stored, "h" + virtual, "id int", "v int"),
                            "middle", List.of("id int", "g" + stored, "h" + virtual, "v int"),
                            "whole", List.of("id int", "g" + stored, "v int", "h" + stored),
                            "tail", List.of("id int", "v int", "h" + virtual, "g" + stored),
                            "most",
                                    List.of(
                                            "g" + stored,
                                            "id int",
                                            "h" + virtual,
                                            "gone int",
                                            "v int",
                                            "i" + virtual,
                                            "j" + stored));
            tables.forEach(
                    (name, columns) -> {
                        scene.table(
                                name,
                                columns.stream().map(each -> each.formatted("id")).toList(),
                                "id",
                                name.equals("whole"),
                                "ALTER TABLE " + name + " DROP COLUMN IF EXISTS gone");
                        scene.source.execute("INSERT INTO " + name + " (id, v) VALUES (1, 10)");
                    });
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            for (String name : tables.keySet()) {
                scene.source.execute(
                        "INSERT INTO " + name + " (id, v) VALUES (2, NULL)",
                        "UPDATE " + name + " SET v = 20");
            }
            scene.awaitWatermark(capture);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.OfRow.class::isInstance)
                    .extracting(event -> ((ChangeEvent.OfRow) event).row())
                    .hasSize(4 * tables.size())
                    .allSatisfy(
                            row -> assertThat(row.schema().columns()).containsExactly("id", "v"));
        }
    }

    @Test
    void fillsUnchangedToastedValueOnlyFromFullReplicaIdentity() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            List<String> columns = List.of("id int", "n int", "big text", "arr numeric[]");
            scene.table("plain", columns, "id", false).table("whole", columns, "id", true);
            for (String table : List.of("plain", "whole")) {
                scene.source.execute(
                        "ALTER TABLE "
                                + table
                                + " ALTER big SET STORAGE EXTERNAL, ALTER arr SET STORAGE EXTERNAL",
                        "INSERT INTO "
                                + table
                                + " SELECT 1, 1, repeat('x', 5000), array_agg(g) FROM generate_series(1, 3000) g");
            }
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.source.execute("UPDATE plain SET n = 2", "UPDATE whole SET n = 2");
            scene.awaitWatermark(capture);

            for (Row row : rows(scene, ChangeEvent.Update.class)) {
                boolean full = row.table().name().equals("whole");
                assertThat(row.isUnchanged(2)).isEqualTo(!full);
                assertThat(row.isUnchanged(3)).isEqualTo(!full);
                if (full) {
                    assertThat(row.text(2)).hasSize(5000);
                }
            }
        }
    }

    private static void insert(CaptureScene scene, int from) {
        int rows =
                SAMPLES.stream().mapToInt(samples -> samples.literals().size()).max().orElseThrow();
        for (int row = 0; row <= rows; row++) {
            int number = row;
            scene.source.execute(
                    "INSERT INTO item VALUES ("
                            + (from + row)
                            + ", "
                            + each(
                                    i -> {
                                        Samples samples = SAMPLES.get(i);
                                        return number < samples.literals().size()
                                                ? "%1$s, %1$s, %1$s"
                                                        .formatted(literal(samples, number))
                                                : "NULL, NULL, DEFAULT";
                                    })
                            + ")");
        }
        scene.source.execute("INSERT INTO item (id) VALUES (" + (from + rows + 1) + ")");
    }

    private static String literal(Samples samples, int number) {
        return "(" + samples.literals().get(number) + ")::" + samples.type();
    }

    private static String anotherDefault(int type) {
        String last = literal(SAMPLES.get(type), SAMPLES.get(type).literals().size() - 1);
        return "ALTER d%1$d SET DEFAULT %2$s, ALTER n%1$d SET DEFAULT %2$s".formatted(type, last);
    }

    private static String each(IntFunction<String> sql) {
        return IntStream.range(0, SAMPLES.size()).mapToObj(sql).collect(Collectors.joining(", "));
    }

    /// Every column as its output function prints it, by row id. The server sends this text if
    /// nothing is cast.
    private static Map<String, List<@Nullable String>> truth(CaptureScene scene) throws Exception {
        String select = "SELECT id, " + each(i -> "c%1$d, d%1$d, n%1$d".formatted(i));
        Map<String, List<@Nullable String>> truth = new HashMap<>();
        try (Connection connection = scene.source.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET TimeZone = 'UTC'; SET lc_monetary = 'C'");
            try (ResultSet row = statement.executeQuery(select + " FROM item")) {
                while (row.next()) {
                    List<@Nullable String> texts = new ArrayList<>();
                    for (int i = 1; i <= 3 * SAMPLES.size() + 1; i++) {
                        texts.add(row.getString(i));
                    }
                    truth.put(row.getString(1), texts);
                }
            }
        }
        return truth;
    }

    private static List<Row> rows(CaptureScene scene, Class<? extends ChangeEvent.OfRow> kind) {
        return scene.log().stream()
                .filter(kind::isInstance)
                .map(event -> kind.cast(event).row())
                .toList();
    }
}
