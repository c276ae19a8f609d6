package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTable.Column;
import dev.millrace.postgres.PublishedTable.Descendant;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Encodes the facts of the captured tables as JSON for the position topic. Reads records of
/// earlier versions, which lack later fields. Thread-safe.
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
        node.put("named", table.nameVersion());
        node.put("file", table.fileNode());
        node.put("identity", table.replicaIdentity());
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
        ArrayNode descendants = node.putArray("below");
        table.descendants()
                .forEach(
                        (oid, each) ->
                                name(descendants.addObject(), each.id())
                                        .put("oid", oid)
                                        .put("file", each.fileNode())
                                        .put("version", each.version())
                                        .put("identity", each.replicaIdentity())
                                        .put("placed", each.parentVersion())
                                        .put("created", each.createdInPlace()));
    }

    public SortedMap<TableId, PublishedTable> decode(byte[] bytes) {
        JsonNode node = json.readTree(bytes);
        int format = node.required("format").intValue();
        if (format != FORMAT) {
            throw new IllegalArgumentException(
                    "The published tables in the position topic have format "
                            + format
                            + "; this version of Millrace reads format "
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
        SortedMap<Long, Descendant> descendants = new TreeMap<>();
        for (JsonNode each : node.required("below")) {
            descendants.put(
                    each.required("oid").longValue(),
                    new Descendant(
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
                descendants,
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
