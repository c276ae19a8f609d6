package dev.millrace.capture.connector;

import io.debezium.config.CommonConnectorConfig;
import io.debezium.connector.SourceInfoStructMaker;
import io.debezium.connector.postgresql.SourceInfo;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;

/// Fills only the origin into the `source` field of a change: table, position and time are in the
/// topic's name ([TableTopics]) and in the offset of the record. The engine's own metrics read the
/// other fields. An event with a time would wake a thread that computes statistics, which takes
/// longer than to decode the event. Thread-safe after `init`.
public final class SourceFields implements SourceInfoStructMaker<SourceInfo> {

    /// The name of the replication origin of the change's transaction.
    public static final String ORIGIN = SourceInfo.ORIGIN_KEY;

    private static final Schema SCHEMA =
            SchemaBuilder.struct()
                    .name("source")
                    .field(ORIGIN, Schema.OPTIONAL_STRING_SCHEMA)
                    .field(SourceInfo.SNAPSHOT_KEY, Schema.OPTIONAL_STRING_SCHEMA)
                    .field(SourceInfo.TIMESTAMP_KEY, Schema.OPTIONAL_INT64_SCHEMA)
                    .field(SourceInfo.TXID_KEY, Schema.OPTIONAL_INT64_SCHEMA)
                    .field(SourceInfo.LSN_KEY, Schema.OPTIONAL_INT64_SCHEMA)
                    .field(SourceInfo.XMIN_KEY, Schema.OPTIONAL_INT64_SCHEMA)
                    .build();

    @Override
    public void init(String connector, String version, CommonConnectorConfig config) {}

    @Override
    public Schema schema() {
        return SCHEMA;
    }

    @Override
    public Struct struct(SourceInfo source) {
        Struct fields = new Struct(SCHEMA);
        if (source.originName() != null) {
            fields.put(ORIGIN, source.originName());
        }
        return fields;
    }
}
