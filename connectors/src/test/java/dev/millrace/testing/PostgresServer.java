package dev.millrace.testing;

import dev.millrace.control.ControlSchema;
import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/// One PostgreSQL for all tests of a module, with logical decoding on; each test takes databases of
/// its own. A container where a container engine answers, else a server process of this machine. It
/// promises nothing after a power cut, which makes it fast. With `-Dpostgres.address` it is a
/// server that runs already, for example one of another version.
public final class PostgresServer {

    private static final Logger LOG = LoggerFactory.getLogger(PostgresServer.class);

    /// Owns the control schema of [#newTarget] until a test gives it to a login.
    public static final String CONTROL_OWNER = "control_owner";

    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final Map<String, String> SETTINGS =
            Map.of(
                    "wal_level", "logical",
                    // It would start a worker in each database again and again.
                    "autovacuum", "off",
                    "max_replication_slots", "50",
                    // The origins of a migration stay.
                    "max_active_replication_origins", "1000",
                    "max_wal_senders", "50",
                    "max_connections", "300",
                    "max_prepared_transactions", "10");

    private static final class Shared {
        static final PostgresServer INSTANCE = start();

        private static PostgresServer start() {
            String running = System.getProperty("postgres.address", "");
            if (!running.isEmpty()) {
                return new PostgresServer(
                        "jdbc:postgresql://" + running,
                        System.getProperty("postgres.user", SandboxPostgres.SUPERUSER),
                        System.getProperty("postgres.password", ""));
            }
            return ContainerEngine.answers() ? container() : process();
        }
    }

    /// A database with the control schema, which others are copied from.
    private static final class Template {
        static final String NAME = create();

        private static String create() {
            TestDatabase database = shared().newDatabase();
            try {
                ControlSchema.migrate(owner(database));
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            return database.name();
        }

        /// No session is kept: a database with a session is no template.
        private static TargetSessions owner(TestDatabase database) throws SQLException {
            try (Connection session = database.connect();
                    Statement statement = session.createStatement()) {
                statement.execute(
                        """
                        DO $$ BEGIN
                            IF to_regrole('%1$s') IS NULL THEN CREATE ROLE %1$s LOGIN PASSWORD '%1$s'; END IF;
                            CREATE SCHEMA millrace AUTHORIZATION %1$s;
                        END $$"""
                                .formatted(CONTROL_OWNER));
            }
            TestDatabase owner = new TestDatabase(database.url(), CONTROL_OWNER, CONTROL_OWNER);
            return () -> owner.session("control");
        }
    }

    private final String address;
    private final String username;
    private final String password;

    private PostgresServer(String address, String username, String password) {
        this.address = address;
        this.username = username;
        this.password = password;
    }

    public static PostgresServer shared() {
        return Shared.INSTANCE;
    }

    /// An empty database, encoding UTF-8, collation C.
    public TestDatabase newDatabase() {
        return newDatabase("ENCODING 'UTF8' LOCALE 'C'");
    }

    /// A database like [#newDatabase] that has the current control schema. To copy it costs a tenth
    /// of running its scripts.
    public TestDatabase newTarget() {
        return newDatabase(Template.NAME, "");
    }

    /// @param options of CREATE DATABASE, for example `LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`
    public TestDatabase newDatabase(String options) {
        return newDatabase("template0", options);
    }

    private TestDatabase newDatabase(String template, String options) {
        String name = "t" + NAMES.incrementAndGet();
        TestDatabase server = new TestDatabase(address + "/postgres", username, password);
        // A copy of files costs half of a copy through the WAL and adds no WAL that the slots of
        // other tests must read. PostgreSQL 14 has no other way.
        String strategy =
                String.valueOf(server.value("SHOW server_version_num")).startsWith("14")
                        ? ""
                        : "STRATEGY file_copy ";
        server.execute(
                "CREATE DATABASE " + name + " TEMPLATE " + template + " " + strategy + options);
        return new TestDatabase(address + "/" + name, username, password);
    }

    private static PostgresServer container() {
        StringBuilder command =
                new StringBuilder(
                        "postgres -c fsync=off -c shared_preload_libraries=pg_stat_statements");
        SETTINGS.forEach(
                (name, value) -> command.append(" -c ").append(name).append('=').append(value));
        @SuppressWarnings("resource") // Testcontainers' own reaper ends it with this JVM.
        PostgreSQLContainer server =
                new PostgreSQLContainer("postgres:18-alpine")
                        .withUsername(SandboxPostgres.SUPERUSER)
                        .withEnv("POSTGRES_INITDB_ARGS", "--set=scram_iterations=1")
                        .withCommand(command.toString());
        server.start();
        String address = "jdbc:postgresql://" + server.getHost() + ":" + server.getMappedPort(5432);
        LOG.atInfo().addKeyValue("address", address).log("PostgreSQL for tests is a container");
        return new PostgresServer(address, server.getUsername(), server.getPassword());
    }

    private static PostgresServer process() {
        SandboxSettings settings = SandboxSettings.fast(TestFolders.postgresBinaries());
        for (Map.Entry<String, String> setting : SETTINGS.entrySet()) {
            settings = settings.with(setting.getKey(), setting.getValue());
        }
        Path folder = TestFolders.createInMemory("postgres");
        SandboxPostgres server = SandboxPostgres.start(folder, settings);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server, folder)));
        String address = "jdbc:postgresql://127.0.0.1:" + server.port();
        LOG.atInfo().addKeyValue("address", address).log("PostgreSQL for tests is a process");
        return new PostgresServer(address, server.username(), server.password());
    }

    private static void end(SandboxPostgres server, Path folder) {
        server.stop(StopMode.IMMEDIATE);
        server.close();
        try {
            Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
