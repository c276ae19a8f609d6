package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.testing.TypeSamples;
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

    private static final List<TypeSamples> SAMPLES = TypeSamples.ALL;

    /// Each type has a column without a default, one with a default, and one that is NOT NULL with
    /// a default. NULL stays NULL and never becomes the default, whenever the row is written and
    /// the default changes.
    @Test
    void deliversEveryTypeAsServerText() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.source.execute(TypeSamples.SETUP.toArray(String[]::new));
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
                    case ChangeEvent.Insert(_, _, var row, _) -> streamed.put(row.text(0), row);
                    case ChangeEvent.Update(_, _, var row, _) -> streamed.put(row.text(0), row);
                    case ChangeEvent.Delete _,
                            ChangeEvent.Oversized _,
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
                                        TypeSamples samples = SAMPLES.get(i);
                                        return number < samples.literals().size()
                                                ? "%1$s, %1$s, %1$s"
                                                        .formatted(literal(samples, number))
                                                : "NULL, NULL, DEFAULT";
                                    })
                            + ")");
        }
        scene.source.execute("INSERT INTO item (id) VALUES (" + (from + rows + 1) + ")");
    }

    private static String literal(TypeSamples samples, int number) {
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
