package dev.millrace.capture.connector;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import io.debezium.schema.SchemaTopicNamingStrategy;
import io.debezium.spi.schema.DataCollectionId;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/// Names the topic of a record after its table, so that each table has its own: the engine's names
/// of `"a.b".c` and `a."b.c"` are the same. Thread-safe.
public final class TableTopics extends SchemaTopicNamingStrategy {

    private final Map<TableId, String> names = new ConcurrentHashMap<>();

    public TableTopics(Properties properties) {
        super(properties);
    }

    /// The topic of a table's records. Nothing is written to it: capture takes the records.
    public static String of(TableId table) {
        return Identifier.quote(table);
    }

    @Override
    public String dataChangeTopic(DataCollectionId id) {
        var table = (io.debezium.relational.TableId) id;
        // The engine's own cache takes "a.b".c and a."b.c" for one table.
        return names.computeIfAbsent(new TableId(table.schema(), table.table()), TableTopics::of);
    }
}
