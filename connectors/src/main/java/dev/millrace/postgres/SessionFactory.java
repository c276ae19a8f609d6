package dev.millrace.postgres;

import dev.millrace.postgres.Database.Encryption;
import dev.millrace.postgres.watch.KeepAliveSockets;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Supplier;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/// Opens the sessions on one database, Millrace's and the engine's. The only place that opens
/// sessions. The driver parses the URL once and selects the host, so all sessions reach the same
/// server. Every session has the settings of [PinnedSettings]. Thread-safe; the constructor opens
/// no session.
public final class SessionFactory {

    private static final int CONNECT_SECONDS = 5;

    /// Time for the login after a host has responded.
    private static final int LOGIN_SECONDS = 5;

    private final String migration;
    private final Properties parts;
    private final Supplier<String> password;
    private final List<String> servers;

    /// @param migration names the sessions in `pg_stat_activity`: `millrace <migration> <purpose>`
    /// @throws IllegalArgumentException if the driver rejects the URL, which the message omits
    public SessionFactory(String migration, String url, String username, String password) {
        this(migration, url, username, () -> password);
    }

    /// @param password read for each session, because it can be rotated meanwhile
    public SessionFactory(
            String migration, String url, String username, Supplier<String> password) {
        Properties login = new Properties();
        PGProperty.USER.set(login, username);
        PGProperty.PASSWORD.set(login, password.get());
        Properties read = Driver.parseURL(url, login);
        if (read == null) {
            throw new IllegalArgumentException(
                    "Not a PostgreSQL URL. Write jdbc:postgresql://host:port/database.");
        }
        PGProperty.USER.set(read, username);
        this.migration = migration;
        this.password = password;
        this.parts = read;
        this.servers = servers(read);
    }

    private static List<String> servers(Properties parts) {
        String[] hosts = String.valueOf(PGProperty.PG_HOST.getOrDefault(parts)).split(",", -1);
        String[] ports = String.valueOf(PGProperty.PG_PORT.getOrDefault(parts)).split(",", -1);
        List<String> servers = new ArrayList<>();
        for (int i = 0; i < hosts.length; i++) {
            servers.add(hosts[i] + ":" + ports[i]);
        }
        return List.copyOf(servers);
    }

    String migration() {
        return migration;
    }

    String username() {
        return String.valueOf(PGProperty.USER.getOrDefault(parts));
    }

    /// What the sessions use of TLS; empty if the URL does not require it.
    Optional<Encryption> encryption() {
        String mode = String.valueOf(PGProperty.SSL_MODE.getOrDefault(parts));
        if (!List.of("require", "verify-ca", "verify-full").contains(mode)) {
            return Optional.empty();
        }
        return Optional.of(
                new Encryption(
                        servers.stream()
                                .map(
                                        server -> {
                                            int colon = server.lastIndexOf(':');
                                            return InetSocketAddress.createUnresolved(
                                                    server.substring(0, colon),
                                                    Integer.parseInt(server.substring(colon + 1)));
                                        })
                                .toList(),
                        file(PGProperty.SSL_ROOT_CERT),
                        file(PGProperty.SSL_CERT)));
    }

    private Optional<Path> file(PGProperty property) {
        return Optional.ofNullable(property.getOrDefault(parts)).map(Path::of);
    }

    /// `user@host:port/database`, for messages.
    String address() {
        return username() + "@" + String.join(",", servers) + "/" + database();
    }

    public String database() {
        return String.valueOf(PGProperty.PG_DBNAME.getOrDefault(parts));
    }

    /// @param silence how long the server may send nothing during a statement; with zero there is
    ///   no limit, and only TCP keep-alive detects a lost server. A lock is waited for half as
    ///   long, so that the server reports the lock before the client gives up
    public Connection open(String purpose, Duration silence) throws SQLException {
        Properties properties = properties(purpose, silence);
        PGProperty.PREFER_QUERY_MODE.set(properties, "extended");
        return pinned(properties, purpose, silence.dividedBy(2));
    }

    /// Opens a session with the replication protocol, in which output functions also run. After the
    /// login there is no limit on silence, because the driver waits for WAL.
    public Connection openReplication(String purpose) throws SQLException {
        Properties properties = properties(purpose, Duration.ofSeconds(loginSeconds()));
        PGProperty.REPLICATION.set(properties, "database");
        PGProperty.PREFER_QUERY_MODE.set(properties, "simple");
        Connection connection = pinned(properties, purpose, Duration.ZERO);
        connection.setNetworkTimeout(Runnable::run, 0);
        return connection;
    }

    /// Opens a session on PgBouncer's admin console. The console knows only the simple protocol and
    /// has no setting of a session, so nothing is pinned.
    public Connection openPoolConsole(String purpose, Duration silence) throws SQLException {
        Properties properties = properties(purpose, silence);
        PGProperty.PREFER_QUERY_MODE.set(properties, "simple");
        // Otherwise the driver sends SET extra_float_digits, or a startup parameter of that name,
        // and the console refuses both.
        PGProperty.REPLICATION.set(properties, "true");
        properties.remove(PGProperty.ASSUME_MIN_SERVER_VERSION.getName());
        return connected(properties);
    }

    private Properties properties(String purpose, Duration silence) {
        Properties properties = new Properties();
        properties.putAll(parts);
        PGProperty.PASSWORD.set(properties, password.get());
        PGProperty.APPLICATION_NAME.set(properties, applicationName(purpose));
        PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "14");
        PGProperty.CONNECT_TIMEOUT.set(properties, CONNECT_SECONDS);
        PGProperty.LOGIN_TIMEOUT.set(properties, loginSeconds());
        PGProperty.SOCKET_TIMEOUT.set(properties, Math.toIntExact(silence.toSeconds()));
        PGProperty.TCP_KEEP_ALIVE.set(properties, true);
        PGProperty.LOG_SERVER_ERROR_DETAIL.set(properties, false);
        PGProperty.READ_ONLY.set(properties, false);
        PGProperty.AUTOSAVE.set(properties, "never");
        properties.remove(PGProperty.STRING_TYPE.getName());
        properties.remove(PGProperty.REPLICATION.getName());
        if (PGProperty.SOCKET_FACTORY.getOrDefault(properties) == null) {
            PGProperty.SOCKET_FACTORY.set(properties, KeepAliveSockets.class.getName());
        }
        if (servers.size() > 1) {
            // Source and target must both accept writes, so standbys in the list of hosts are
            // skipped.
            PGProperty.TARGET_SERVER_TYPE.set(properties, "primary");
        }
        return properties;
    }

    private Connection pinned(Properties properties, String purpose, Duration lockTimeout)
            throws SQLException {
        Connection connection = connected(properties);
        try (var statement = connection.createStatement()) {
            statement.execute(PinnedSettings.statement(applicationName(purpose), lockTimeout));
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
        return connection;
    }

    private Connection connected(Properties properties) throws SQLException {
        // Hosts, ports and options are in the properties; a URL would override them.
        String url = "jdbc:postgresql:" + URLEncoder.encode(database(), StandardCharsets.UTF_8);
        Connection connection = new Driver().connect(url, properties);
        if (connection == null) {
            throw new SQLException(
                    "The driver rejects the URL.", SqlState.UNABLE_TO_CONNECT.code());
        }
        return connection;
    }

    int loginSeconds() {
        return LOGIN_SECONDS + CONNECT_SECONDS * servers.size();
    }

    private String applicationName(String purpose) {
        return "millrace " + migration + " " + purpose;
    }
}
