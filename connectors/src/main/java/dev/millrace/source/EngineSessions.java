package dev.millrace.source;

import dev.millrace.postgres.SessionFactory;
import io.debezium.jdbc.JdbcConfiguration;
import io.debezium.jdbc.JdbcConnection;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/// Opens the engine's sessions as all others are opened: by the user's URL as it is written, and
/// with the same pinned settings. The engine makes one by its class name for each of its
/// connections and says what it wants in the configuration.
public final class EngineSessions implements JdbcConnection.ConnectionFactory {

    private static final String PREFIX = "database.";
    static final String MIGRATION = PREFIX + "millrace.migration";
    static final String URL = PREFIX + "millrace.url";

    @Override
    public Connection connect(JdbcConfiguration engine) throws SQLException {
        SessionFactory sessions =
                new SessionFactory(
                        engine.getString(MIGRATION.substring(PREFIX.length())),
                        engine.getString(URL.substring(PREFIX.length())),
                        engine.getUser(),
                        engine.getPassword());
        return engine.getString("replication") == null
                ? sessions.open("engine", Duration.ZERO)
                : sessions.openReplication("stream");
    }
}
