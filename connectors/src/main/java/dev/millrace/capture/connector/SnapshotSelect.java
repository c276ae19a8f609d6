package dev.millrace.capture.connector;

import io.debezium.snapshot.spi.SnapshotQuery;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The SELECT with which the engine's snapshot reads a table: every column as the server's text, so
/// that nothing can be lost in the driver's objects. Found by the engine under its [#NAME].
public final class SnapshotSelect implements SnapshotQuery {

    public static final String NAME = "millrace";

    /// A JSON object: the table as the engine quotes it, and its SELECT.
    public static final String SELECTS = "millrace.snapshot.selects";

    private Map<String, String> selects = Map.of();

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void configure(Map<String, ?> properties) {
        JsonNode node =
                JsonMapper.builder().build().readTree(String.valueOf(properties.get(SELECTS)));
        selects =
                node.propertyStream()
                        .collect(
                                java.util.stream.Collectors.toUnmodifiableMap(
                                        Map.Entry::getKey,
                                        entry -> entry.getValue().stringValue()));
    }

    @Override
    public Optional<String> snapshotQuery(String table, List<String> columns) {
        String select = selects.get(table);
        if (select == null) {
            throw new IllegalStateException(
                    "the snapshot was asked for " + table + ", which no mapping reads");
        }
        return Optional.of(select);
    }
}
