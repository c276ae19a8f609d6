package dev.millrace.capture.connector;

import io.debezium.snapshot.spi.SnapshotQuery;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Supplies the SELECT with which the engine's snapshot reads a table: every column as the server's
/// text, so that the driver's objects cannot lose anything. The engine finds it by its [#NAME].
/// Thread-safe after `configure`.
public final class SnapshotSelect implements SnapshotQuery {

    public static final String NAME = "millrace";

    /// A JSON object that maps each table, as the engine quotes it, to its SELECT.
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
                                Collectors.toUnmodifiableMap(
                                        Map.Entry::getKey,
                                        entry -> entry.getValue().stringValue()));
    }

    @Override
    public Optional<String> snapshotQuery(String table, List<String> columns) {
        String select = selects.get(table);
        if (select == null) {
            throw new IllegalStateException(
                    "The engine requested a snapshot of " + table + ", which no mapping reads.");
        }
        return Optional.of(select);
    }
}
