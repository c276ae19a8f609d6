package dev.millrace.capture.position;

import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Encodes the position as JSON, so that an operator can read it with any Kafka tool. Thread-safe.
public final class PositionCodec {

    private static final int FORMAT = 1;

    private final JsonMapper json = JsonMapper.builder().build();

    public byte[] encode(SourcePosition position) {
        ObjectNode node = json.createObjectNode();
        node.put("format", FORMAT);
        node.put("generation", position.generation());
        node.put("streaming", position.streaming());
        node.put("boundary", position.boundary().toString());
        node.put("openTransaction", position.openTransaction());
        node.put("openEvents", position.openEvents());
        node.put("watermark", position.watermark());
        node.put("truncates", position.truncates());
        node.put("publication", position.publication());
        node.put("tablesAt", position.logged().tablesAt());
        var ends = node.putArray("changesEnds");
        position.logged().changesEnds().forEach(ends::add);
        var totals = node.putArray("changesTotals");
        position.logged().changesTotals().forEach(totals::add);
        var begins = node.putArray("changesBegins");
        position.logged().changesBegins().forEach(begins::add);
        Set<Long> delivered = position.logged().delivered();
        if (delivered != null) {
            var transactions = node.putArray("delivered");
            delivered.stream().sorted().forEach(transactions::add);
        }
        var rows = node.putArray("rowsRead");
        position.rowsRead()
                .forEach(
                        (table, count) ->
                                rows.addObject()
                                        .put("schema", table.schema())
                                        .put("table", table.name())
                                        .put("rows", count));
        return json.writeValueAsBytes(node);
    }

    public SourcePosition decode(byte[] bytes) {
        JsonNode node = json.readTree(bytes);
        int format = node.required("format").intValue();
        if (format != FORMAT) {
            throw new UnreadableChangeException(
                    "The source position has format "
                            + format
                            + "; this version of Millrace reads format "
                            + FORMAT
                            + ".");
        }
        Map<TableId, Long> rows = new HashMap<>();
        for (JsonNode row : node.required("rowsRead")) {
            rows.put(
                    new TableId(
                            row.required("schema").stringValue(),
                            row.required("table").stringValue()),
                    row.required("rows").longValue());
        }
        return new SourcePosition(
                node.required("generation").intValue(),
                node.required("streaming").booleanValue(),
                Lsn.parse(node.required("boundary").stringValue()),
                node.required("openTransaction").longValue(),
                node.required("openEvents").longValue(),
                node.required("watermark").longValue(),
                node.required("truncates").longValue(),
                rows,
                node.path("publication").stringValue(""),
                logged(node));
    }

    private static SourcePosition.Logged logged(JsonNode node) {
        return new SourcePosition.Logged(
                node.path("tablesAt").longValue(-1),
                numbers(node.path("changesBegins")),
                numbers(node.path("changesEnds")),
                numbers(node.path("changesTotals")),
                node.has("delivered") ? Set.copyOf(numbers(node.path("delivered"))) : null);
    }

    private static List<Long> numbers(JsonNode array) {
        return array.valueStream().map(JsonNode::longValue).toList();
    }

    /// The engine or the log delivered something that this version does not support; a retry would
    /// fail in the same way. The message contains names of tables, types and operations, but no
    /// value of a row.
    public static final class UnreadableChangeException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        public UnreadableChangeException(String message) {
            super(message);
        }
    }
}
