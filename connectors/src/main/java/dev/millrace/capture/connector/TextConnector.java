package dev.millrace.capture.connector;

import io.debezium.connector.postgresql.PostgresConnector;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.PostgresConnectorConfig.AutoCreateMode;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import io.debezium.connector.postgresql.PostgresSchema;
import io.debezium.connector.postgresql.PostgresType;
import io.debezium.connector.postgresql.TypeRegistry;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.connection.ReplicationConnection;
import java.time.Duration;
import org.apache.kafka.connect.connector.Task;
import org.postgresql.core.Oid;

/// The engine's PostgreSQL connector, with a task that keeps every streamed value as the text that
/// the server sent. The engine instantiates it by name.
public final class TextConnector extends PostgresConnector {

    @Override
    public Class<? extends Task> taskClass() {
        return TextConnectorTask.class;
    }

    /// Opens the replication connection so that its decoder treats every column as type text. A
    /// decoder that parses a value can lose it (`interval 'infinity'` became zero) or fail on it,
    /// which would stop the capture of all tables. Confined to the engine's threads.
    public static final class TextConnectorTask extends PostgresConnectorTask {

        /// The engine's own task reads the same two properties by the deprecated method.
        @Override
        @SuppressWarnings("deprecation")
        protected ReplicationConnection buildReplicationConnection(
                PostgresConnection metadata,
                PostgresSchema schema,
                PostgresConnectorConfig config) {
            return ReplicationConnection.builder(config)
                    .withSlot(config.slotName())
                    .withPublication(config.publicationName())
                    .withTableFilter(config.getTableFilters())
                    .withPublicationAutocreateMode(AutoCreateMode.DISABLED)
                    .withPlugin(config.plugin())
                    .dropSlotOnClose(false)
                    .createFailOverSlot(
                            config.getConfig()
                                    .getBoolean(PostgresConnectorConfig.CREATE_FAIL_OVER_SLOT))
                    .statusUpdateInterval(
                            Duration.ofMillis(
                                    config.getConfig()
                                            .getLong(
                                                    PostgresConnectorConfig
                                                            .STATUS_UPDATE_INTERVAL_MS)))
                    .withTypeRegistry(new EveryColumnIsText(metadata))
                    .withSchema(schema)
                    .jdbcMetadataConnection(metadata)
                    .build();
        }

        /// The decoder uses this lookup by schema and name only for column types.
        private static final class EveryColumnIsText extends TypeRegistry {

            EveryColumnIsText(PostgresConnection connection) {
                super(connection);
            }

            @Override
            public PostgresType get(String schema, String type) {
                return get(Oid.TEXT);
            }
        }
    }
}
