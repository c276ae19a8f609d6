package dev.millrace.console;

import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.migration.MigrationControl;
import dev.millrace.replication.RefusedException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The way of one key through the log: each of its changes as the source wrote it, with what the
/// SELECT made of it. Contains row values, because a person asked for them.
///
/// @param source the table that the changes come from
/// @param steps in the order of the log
/// @param more there may be more changes than are shown
public record KeyPath(String source, List<Step> steps, boolean more) {

    private static final int SHOWN = 100;

    /// @param change as the source wrote it; `null` if the log no longer has it
    /// @param mapped what the SELECT made of it; empty if it is not mapped yet
    public record Step(@Nullable Entry change, List<Entry> mapped) {}

    /// @param kind such as `insert` or `upsert`
    /// @param place partition, offset and index
    /// @param facts where it comes from, or why it was rejected; may be empty
    public record Entry(String kind, String place, String facts, List<Cell> cells) {}

    /// @param special the text is no value: NULL, or a value that the change does not contain
    public record Cell(String column, String text, boolean special) {}

    /// The place of a change in the changes topic. A change keeps its partition on its way.
    private record Place(int partition, long offset, int index) {

        static Place ofChange(JsonNode line) {
            return new Place(
                    line.path("partition").asInt(),
                    line.path("offset").asLong(),
                    line.path("index").asInt());
        }

        /// The token is the generation, the offset of the change, and its index.
        static Place ofMapped(JsonNode line) {
            String[] token = line.path("token").asString().split(":");
            return new Place(
                    line.path("partition").asInt(),
                    Long.parseLong(token[1]),
                    Integer.parseInt(token[2]));
        }
    }

    /// @param table a target table
    /// @param key of the target, as `millrace log --key` takes it
    /// @param sourceKey of the source; empty if it is the same
    /// @throws RefusedException if the migration has no such table
    static KeyPath of(
            MigrationControl control,
            MigrationDefinition definition,
            String table,
            String key,
            String sourceKey) {
        String source =
                definition
                        .table(table)
                        .map(TableDefinition::source)
                        .orElseThrow(
                                () ->
                                        new RefusedException(
                                                "The migration has no target table of this name."
                                                        + " See the page Tables"));
        List<JsonNode> changes =
                lines(control, "changes", source, sourceKey.isEmpty() ? key : sourceKey);
        List<JsonNode> mapped = lines(control, "target", table, key);
        Map<Place, Step> steps = new LinkedHashMap<>();
        for (JsonNode change : changes) {
            steps.put(Place.ofChange(change), new Step(entry(change), new ArrayList<>()));
        }
        List<Step> older = new ArrayList<>();
        for (JsonNode each : mapped) {
            Step step = steps.get(Place.ofMapped(each));
            if (step == null) {
                older.add(new Step(null, List.of(entry(each))));
            } else {
                step.mapped().add(entry(each));
            }
        }
        older.addAll(steps.values());
        return new KeyPath(
                source, List.copyOf(older), changes.size() == SHOWN || mapped.size() == SHOWN);
    }

    private static List<JsonNode> lines(
            MigrationControl control, String topic, String table, String key) {
        List<JsonNode> lines = new ArrayList<>();
        control.log(
                topic,
                Optional.of(table),
                Optional.of(key),
                SHOWN,
                line -> lines.add(JsonMapper.shared().readTree(line)));
        return lines;
    }

    private static Entry entry(JsonNode line) {
        List<Cell> cells = new ArrayList<>();
        for (Map.Entry<String, JsonNode> cell : line.path("row").properties()) {
            JsonNode value = cell.getValue();
            cells.add(
                    value.isString()
                            ? new Cell(cell.getKey(), value.asString(), false)
                            : new Cell(cell.getKey(), value.isNull() ? "NULL" : "unchanged", true));
        }
        return new Entry(
                line.path("kind").asString(),
                "partition %d, offset %d, change %d"
                        .formatted(
                                line.path("partition").asInt(),
                                line.path("offset").asLong(),
                                line.path("index").asInt()),
                facts(line),
                cells);
    }

    private static String facts(JsonNode line) {
        List<String> facts = new ArrayList<>();
        for (Map.Entry<String, String> name :
                Map.of("lsn", "WAL position ", "xid", "transaction ", "committedAt", "committed ")
                        .entrySet()
                        .stream()
                        .sorted(Map.Entry.comparingByValue())
                        .toList()) {
            if (line.has(name.getKey())) {
                facts.add(name.getValue() + line.path(name.getKey()).asString());
            }
        }
        if (line.has("reason")) {
            facts.add(line.path("reason").asString());
        }
        return String.join(", ", facts);
    }
}
