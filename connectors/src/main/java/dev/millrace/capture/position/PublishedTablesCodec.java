package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTable.Below;
import dev.millrace.postgres.PublishedTable.Column;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What the log was begun with, table by table, as JSON. Logs of earlier versions lack what was
/// added since.
public final class PublishedTablesCodec {

    private static final int FORMAT = 1;

    private final JsonMapper json = JsonMapper.builder().build();

    public byte[] encode(Map<TableId, PublishedTable> tables) {
        ObjectNode node = json.createObjectNode();
        node.put("format", FORMAT);
        ArrayNode list = node.putArray("tables");
        tables.forEach((id, table) -> write(name(list.addObject(), id), table));
        return json.writeValueAsBytes(node);
    }

    private static void write(ObjectNode node, PublishedTable table) {
        node.put("oid", table.oid());
        node.put("owner", table.owner());
        node.put("named", table.named());
        node.put("file", table.file());
        node.put("identity", table.identity());
        node.put("truncatedBy", table.truncatedBy());
        ArrayNode columns = node.putArray("columns");
        table.columns()
                .forEach(
                        (number, column) ->
                                columns.addObject()
                                        .put("number", number)
                                        .put("name", column.name())
                                        .put("type", column.type())
                                        .put("version", column.version()));
        ArrayNode below = node.putArray("below");
        table.below()
                .forEach(
                        (oid, each) ->
                                name(below.addObject(), each.id())
                                        .put("oid", oid)
                                        .put("file", each.file())
                                        .put("version", each.version())
                                        .put("identity", each.identity())
                                        .put("placed", each.placed())
                                        .put("created", each.created()));
    }

    public SortedMap<TableId, PublishedTable> decode(byte[] bytes) {
        JsonNode node = json.readTree(bytes);
        int format = node.required("format").intValue();
        if (format != FORMAT) {
            throw new IllegalArgumentException(
                    "the published tables have format "
                            + format
                            + ", this program reads "
                            + FORMAT);
        }
        SortedMap<TableId, PublishedTable> tables = new TreeMap<>();
        for (JsonNode each : node.required("tables")) {
            tables.put(id(each), table(each));
        }
        return tables;
    }

    private static PublishedTable table(JsonNode node) {
        SortedMap<Integer, Column> columns = new TreeMap<>();
        for (JsonNode each : node.required("columns")) {
            columns.put(
                    each.required("number").intValue(),
                    new Column(
                            each.required("name").stringValue(),
                            each.required("type").longValue(),
                            each.required("version").stringValue()));
        }
        SortedMap<Long, Below> below = new TreeMap<>();
        for (JsonNode each : node.required("below")) {
            below.put(
                    each.required("oid").longValue(),
                    new Below(
                            id(each),
                            each.required("file").longValue(),
                            each.path("version").stringValue(""),
                            each.required("identity").stringValue(),
                            each.required("placed").stringValue(),
                            each.required("created").booleanValue()));
        }
        return new PublishedTable(
                node.required("oid").longValue(),
                node.required("owner").longValue(),
                node.required("named").stringValue(),
                node.required("file").longValue(),
                node.required("identity").stringValue(),
                columns,
                below,
                node.path("truncatedBy").longValue(0));
    }

    private static ObjectNode name(ObjectNode node, TableId id) {
        return node.put("schema", id.schema()).put("table", id.name());
    }

    private static TableId id(JsonNode node) {
        return new TableId(
                node.required("schema").stringValue(), node.required("table").stringValue());
    }
}
