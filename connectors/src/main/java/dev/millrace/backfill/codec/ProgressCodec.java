package dev.millrace.backfill.codec;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.Progress.LeafVersion;
import dev.millrace.backfill.TidRange;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Encodes [Fact]s as records of a compacted topic, so that the last record of a key is the fact.
/// Key and value are JSON, so that an operator can read them with any Kafka tool. Thread-safe.
public final class ProgressCodec {

    private static final int FORMAT = 1;

    /// @param value empty for a deletion
    public record Stored(String key, Optional<String> value) {}

    private final JsonMapper json = JsonMapper.builder().build();

    public Stored encode(int generation, Fact fact) {
        return switch (fact) {
            case Fact.OfTable(TableId table, boolean started, boolean complete) -> {
                ObjectNode value = value(generation);
                value.put("started", started);
                value.put("complete", complete);
                yield stored(key("table", table), value);
            }
            case Fact.OfLeaf(TableId table, LeafVersion leaf, TidRange.Union done, long rows) -> {
                ObjectNode value = value(generation);
                value.put("schema", table.schema());
                value.put("table", table.name());
                value.put("fileNode", leaf.fileNode());
                value.put("inheritance", leaf.inheritance());
                value.put("rows", rows);
                ArrayNode ranges = value.putArray("done");
                for (TidRange range : done.ranges()) {
                    ranges.add(range.from());
                    ranges.add(range.to());
                }
                yield stored(json.createArrayNode().add("leaf").add(leaf.oid()), value);
            }
            case Fact.OfKey(RowKey key, boolean needed) -> {
                ArrayNode name = key("key", key.table());
                key.values().forEach(name::add);
                yield needed
                        ? stored(name, value(generation))
                        : new Stored(json.writeValueAsString(name), Optional.empty());
            }
        };
    }

    private ObjectNode value(int generation) {
        return json.createObjectNode().put("format", FORMAT).put("generation", generation);
    }

    private ArrayNode key(String kind, TableId table) {
        return json.createArrayNode().add(kind).add(table.schema()).add(table.name());
    }

    private Stored stored(ArrayNode key, ObjectNode value) {
        return new Stored(
                json.writeValueAsString(key), Optional.of(json.writeValueAsString(value)));
    }

    /// The fact of a record; empty for a fact of another generation, and for a deletion of anything
    /// but a key.
    ///
    /// @throws IllegalArgumentException if another version of Millrace wrote the record
    public Optional<Fact> decode(int generation, Stored stored) {
        JsonNode key = json.readTree(stored.key());
        String kind = key.get(0).stringValue();
        if (stored.value().isEmpty()) {
            return kind.equals("key")
                    ? Optional.of(new Fact.OfKey(rowKey(key), false))
                    : Optional.empty();
        }
        JsonNode value = json.readTree(stored.value().get());
        int format = value.required("format").intValue();
        if (format != FORMAT) {
            throw new IllegalArgumentException(
                    "The progress of the backfill has format "
                            + format
                            + "; this version of Millrace reads format "
                            + FORMAT
                            + ".");
        }
        if (value.required("generation").intValue() != generation) {
            return Optional.empty();
        }
        return Optional.of(
                switch (kind) {
                    case "table" ->
                            new Fact.OfTable(
                                    table(key),
                                    value.required("started").booleanValue(),
                                    value.required("complete").booleanValue());
                    case "leaf" -> leaf(key, value);
                    case "key" -> new Fact.OfKey(rowKey(key), true);
                    default ->
                            throw new IllegalArgumentException(
                                    "The progress of the backfill contains a record of the unknown kind '"
                                            + kind
                                            + "'.");
                });
    }

    private static TableId table(JsonNode key) {
        return new TableId(key.get(1).stringValue(), key.get(2).stringValue());
    }

    private static Fact leaf(JsonNode key, JsonNode value) {
        List<Long> bounds = value.required("done").valueStream().map(JsonNode::longValue).toList();
        List<TidRange> ranges = new ArrayList<>();
        for (int i = 0; i < bounds.size(); i += 2) {
            ranges.add(new TidRange(bounds.get(i), bounds.get(i + 1)));
        }
        return new Fact.OfLeaf(
                new TableId(
                        value.required("schema").stringValue(),
                        value.required("table").stringValue()),
                new LeafVersion(
                        key.get(1).longValue(),
                        value.required("fileNode").longValue(),
                        value.required("inheritance").stringValue()),
                new TidRange.Union(ranges),
                value.required("rows").longValue());
    }

    private static RowKey rowKey(JsonNode key) {
        @Nullable String[] values = new @Nullable String[key.size() - 3];
        for (int i = 0; i < values.length; i++) {
            JsonNode value = key.get(3 + i);
            values[i] = value.isNull() ? null : value.stringValue();
        }
        return RowKey.of(table(key), values);
    }
}
