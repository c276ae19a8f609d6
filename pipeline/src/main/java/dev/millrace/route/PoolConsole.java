package dev.millrace.route;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A session on PgBouncer's admin console, for one of its databases. Columns are read by name,
/// since each version adds some. Not thread-safe.
///
/// `WAIT_CLOSE` is never sent: in 1.18 it makes later PAUSEs return before they are effective.
final class PoolConsole implements AutoCloseable {

    static final Duration SILENCE = Duration.ofSeconds(5);

    private static final String DEFAULT_PORT = "5432";

    private final Connection connection;
    private final String database;

    private PoolConsole(Connection connection, String database) {
        this.connection = connection;
        this.database = database;
    }

    static PoolConsole open(SessionFactory sessions, String database) throws SQLException {
        return new PoolConsole(sessions.openPoolConsole("route", SILENCE), database);
    }

    /// What PgBouncer knows of the database.
    ///
    /// @param poolMode empty for the mode of the whole PgBouncer
    record Pool(
            String host,
            String port,
            String database,
            String poolMode,
            boolean paused,
            boolean disabled) {

        boolean uses(Server server) {
            return host.equals(server.value("host").orElse(""))
                    && port.equals(server.value("port").orElse(DEFAULT_PORT));
        }
    }

    /// @return empty when PgBouncer does not know the database
    Optional<Pool> pool() throws SQLException {
        return show("DATABASES").stream()
                .filter(row -> database.equals(row.get("name")))
                .findFirst()
                .map(
                        row ->
                                new Pool(
                                        text(row, "host"),
                                        text(row, "port"),
                                        text(row, "database"),
                                        text(row, "pool_mode"),
                                        text(row, "paused").equals("1"),
                                        text(row, "disabled").equals("1")));
    }

    /// Whether the database's clients reach this server by this name.
    boolean uses(Server server) throws SQLException {
        return pool().filter(pool -> pool.uses(server))
                .filter(pool -> pool.database().equals(server.value("dbname").orElse(database)))
                .isPresent();
    }

    /// A setting of PgBouncer; empty when it is not set or unknown to this version.
    String setting(String name) throws SQLException {
        return show("CONFIG").stream()
                .filter(row -> name.equals(row.get("key")))
                .findFirst()
                .map(row -> text(row, "value"))
                .orElse("");
    }

    /// The users whose pool of the database has this mode.
    List<String> usersWithMode(String mode) throws SQLException {
        return show("POOLS").stream()
                .filter(row -> database.equals(row.get("database")))
                .filter(row -> mode.equals(row.get("pool_mode")))
                .map(row -> text(row, "user"))
                .toList();
    }

    /// Connections of the database to a server. A pause is effective when there is none.
    long connections() throws SQLException {
        return show("SERVERS").stream().filter(row -> database.equals(row.get("database"))).count();
    }

    /// Connections that end with the transaction which uses them, because RECONNECT came after they
    /// were made.
    long oldConnections() throws SQLException {
        return show("SERVERS").stream()
                .filter(row -> database.equals(row.get("database")))
                .filter(row -> "1".equals(row.get("close_needed")))
                .count();
    }

    /// Waits until PgBouncer answers, which it does when the pause is effective.
    void pause(Duration limit) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, Math.toIntExact(limit.toMillis()));
        run("PAUSE " + Identifier.quote(database));
        connection.setNetworkTimeout(Runnable::run, Math.toIntExact(SILENCE.toMillis()));
    }

    void resume() throws SQLException {
        run("RESUME " + Identifier.quote(database));
    }

    /// Reads the configuration again. PgBouncer reports success even if it could not read it.
    void reload() throws SQLException {
        run("RELOAD");
    }

    /// Ends each connection to a server when its transaction has ended.
    void reconnect() throws SQLException {
        run("RECONNECT " + Identifier.quote(database));
    }

    private void run(String command) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(command);
        }
    }

    private List<Map<String, @Nullable String>> show(String what) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SHOW " + what)) {
            List<Map<String, @Nullable String>> all = new ArrayList<>();
            while (rows.next()) {
                Map<String, @Nullable String> row = new HashMap<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.put(rows.getMetaData().getColumnLabel(i), rows.getString(i));
                }
                all.add(row);
            }
            return all;
        }
    }

    private static String text(Map<String, @Nullable String> row, String column) {
        String value = row.get(column);
        return value == null ? "" : value;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException _) {
            // A pause outlives its session, so nothing depends on it.
        }
    }
}
