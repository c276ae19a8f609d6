package dev.millrace.source;

import io.debezium.connector.postgresql.PostgresConnector;
import org.apache.kafka.connect.connector.Task;

/// The engine's connector for PostgreSQL with a task that leaves every streamed value as the text
/// that the server sent. Created by the engine, by its name.
public final class TextConnector extends PostgresConnector {

    @Override
    public Class<? extends Task> taskClass() {
        return TextConnectorTask.class;
    }
}
