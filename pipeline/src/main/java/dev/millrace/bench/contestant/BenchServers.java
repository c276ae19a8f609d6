package dev.millrace.bench.contestant;

import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/// The two PostgreSQL servers of a benchmark, both with the same settings. Thread-safe.
public record BenchServers(SandboxPostgres source, SandboxPostgres target)
        implements AutoCloseable {

    /// Server parameters that differ from PostgreSQL's defaults, on both servers.
    public static final Map<String, String> PARAMETERS =
            new TreeMap<>(
                    Map.of(
                            "wal_level", "logical",
                            "shared_buffers", "512MB",
                            "max_wal_size", "4GB"));

    /// The case rules do not depend on the machine.
    private static final String LOCALE = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'";

    private static final Duration VACUUM_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration VACUUM_POLL = Duration.ofMillis(200);

    public static BenchServers start(Path folder) {
        SandboxSettings settings = SandboxSettings.durable(folder.resolve("postgres"));
        for (Map.Entry<String, String> parameter : PARAMETERS.entrySet()) {
            settings = settings.with(parameter.getKey(), parameter.getValue());
        }
        SandboxPostgres source = SandboxPostgres.start(folder.resolve("source"), settings);
        try {
            return new BenchServers(
                    source, SandboxPostgres.start(folder.resolve("target"), settings));
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
    }

    public static void createDatabase(SandboxPostgres server, String name) {
        server.createDatabase(name, LOCALE);
    }

    public static void dropDatabase(SandboxPostgres server, String name) throws SQLException {
        execute(server, "postgres", "DROP DATABASE " + name + " WITH (FORCE)");
    }

    public static void execute(SandboxPostgres server, String database, String... statements)
            throws SQLException {
        execute(server, database, List.of(statements));
    }

    public static void execute(SandboxPostgres server, String database, List<String> statements)
            throws SQLException {
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    public static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() && row.getString(1) != null ? row.getString(1) : "";
        }
    }

    /// Gives the next measure the same start as all others: waits until no autovacuum runs, and
    /// writes all changed pages to disk.
    public void settle() throws SQLException {
        for (SandboxPostgres server : List.of(source, target)) {
            try (Connection connection = server.connect("postgres")) {
                Deadline deadline = Deadline.in(VACUUM_TIMEOUT);
                while (!text(
                                connection,
                                "SELECT count(*) FROM pg_stat_activity WHERE backend_type ="
                                        + " 'autovacuum worker'")
                        .equals("0")) {
                    deadline.pause(VACUUM_POLL, "autovacuum to become idle");
                }
                try (Statement statement = connection.createStatement()) {
                    statement.execute("CHECKPOINT");
                }
            }
        }
    }

    /// Removes what a contestant left on the source: its slots and publications. The contestant
    /// must have ended.
    public void removeReplication(String database) throws SQLException {
        try (Connection connection = source.connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "DO $$DECLARE found record; BEGIN"
                            + " FOR found IN SELECT slot_name FROM pg_replication_slots"
                            + " WHERE database = current_database() LOOP"
                            + " IF (SELECT active_pid FROM pg_replication_slots"
                            + " WHERE slot_name = found.slot_name) IS NOT NULL THEN"
                            + " PERFORM pg_terminate_backend((SELECT active_pid FROM"
                            + " pg_replication_slots WHERE slot_name = found.slot_name), 10000);"
                            + " END IF;"
                            + " PERFORM pg_drop_replication_slot(found.slot_name); END LOOP;"
                            + " FOR found IN SELECT pubname FROM pg_publication LOOP"
                            + " EXECUTE format('DROP PUBLICATION %I', found.pubname); END LOOP;"
                            + " END$$");
        }
    }

    /// Removes the target's database and the replication origins on its server, which belong to no
    /// database: the server has room for few of them. The contestant must have ended.
    public void removeTarget(String database) throws SQLException {
        dropDatabase(target, database);
        execute(
                target,
                "postgres",
                "SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin");
    }

    /// CPU time so far of both servers and of the contestant's processes.
    public Usage usage(List<Long> processes) {
        OptionalDouble program = OptionalDouble.of(0);
        for (long pid : processes) {
            OptionalDouble one = CpuTime.seconds(pid);
            program =
                    one.isPresent()
                            ? OptionalDouble.of(program.orElse(0) + one.getAsDouble())
                            : OptionalDouble.empty();
        }
        return new Usage(program, CpuTime.seconds(source.pid()), CpuTime.seconds(target.pid()));
    }

    @Override
    public void close() {
        try (source) {
            target.close();
        }
    }
}
