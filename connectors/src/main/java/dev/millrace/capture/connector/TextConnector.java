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

/// The engine's connector for PostgreSQL with a task that leaves every streamed value as the text
/// that the server sent. Created by the engine, by its name.
public final class TextConnector extends PostgresConnector {

    @Override
    public Class<? extends Task> taskClass() {
        return TextConnectorTask.class;
    }

    /// Opens the replication connection so that its decoder takes every column for one of type
    /// text. A decoder that parses a value can lose it (`interval 'infinity'` became zero) or fail
    /// on it, which would stop the capture of all tables. Created by the engine; for its threads.
    public static final class TextConnectorTask extends PostgresConnectorTask {

        @Override
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

        /// The decoder asks for a column's type by schema and name, and for nothing else that way.
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
