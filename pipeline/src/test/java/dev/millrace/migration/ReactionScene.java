package dev.millrace.migration;

import com.sun.net.httpserver.HttpServer;
import dev.millrace.control.ControlSchema;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.flow.FlowControl;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.StandbyServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import dev.millrace.throttle.Throttle.Limit;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;

/// One migration in the middle of its backfill, between two servers with a standby each, and what
/// can go wrong around it. The target is reached through a proxy. Each cause returns when the test
/// sees it on the server itself, and ends when it is closed.
final class ReactionScene implements AutoCloseable {

    static final long BUDGET = 64L << 20;

    private static final String DATABASE = "shop";
    private static final int ROWS = 60_000;
    private static final long ROWS_PER_SECOND = 100;

    private static final String STANDBY_LAG =
            "SELECT (SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) FROM"
                    + " pg_stat_replication WHERE application_name = 'walreceiver')";

    /// In each direction.
    private static final Duration DELAY = Duration.ofMillis(150);

    private final SandboxPostgres sourceServer = server("source");
    private final SandboxPostgres targetServer = server("target");
    private final SandboxPostgres sourceStandby;
    private final SandboxPostgres targetStandby;
    private final AtomicInteger answer = new AtomicInteger(200);
    private final HttpServer http;
    private final CutProxy way;
    private volatile Duration ahead = Duration.ZERO;
    final MigrationScene scene;

    /// Ends a cause.
    interface Ending extends AutoCloseable {
        @Override
        void close();
    }

    ReactionScene() throws Exception {
        sourceStandby = StandbyServer.of(sourceServer, DATABASE, UnaryOperator.identity());
        targetStandby = StandbyServer.of(targetServer, DATABASE, UnaryOperator.identity());
        TestDatabase target = database(targetServer);
        way = CutProxy.before(target);
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext(
                "/ok",
                asked -> {
                    asked.sendResponseHeaders(answer.get(), -1);
                    asked.close();
                });
        http.start();
        scene =
                new MigrationScene(database(sourceServer), target, way::through)
                        .backfill(Backfill.WINDOWS)
                        .clock(this::now)
                        .walBudget(BUDGET)
                        .table("doc", "id int PRIMARY KEY, title text")
                        .table("big", "id int PRIMARY KEY, title text");
        scene.source.execute(
                "INSERT INTO big SELECT g, 't' FROM generate_series(1, " + ROWS + ") g",
                "CREATE TABLE job (id int)");
        scene.target.execute("CREATE TABLE job (id int)", "CREATE TABLE other (id int)");
    }

    private static SandboxPostgres server(String name) {
        SandboxPostgres server =
                SandboxPostgres.start(
                        TestFolders.create(name),
                        SandboxSettings.fast(TestFolders.postgresBinaries())
                                .with("autovacuum", "off"));
        server.createDatabase(DATABASE, "");
        return server;
    }

    private static TestDatabase database(SandboxPostgres server) {
        return new TestDatabase(server.jdbcUrl(DATABASE), server.username(), server.password());
    }

    /// The time as the migration reads it.
    Instant now() {
        return Instant.now().plus(ahead);
    }

    /// The migration's time for a time of the machine.
    Instant ofMigration(Instant machine) {
        return machine.plus(ahead);
    }

    /// Sets the clock of the migration forward.
    void become(Instant time) {
        ahead = Duration.between(Instant.now(), time);
    }

    String address() {
        return "http://127.0.0.1:%d/ok".formatted(http.getAddress().getPort());
    }

    /// The backfill is so slow that it goes on until [#finish].
    void start(List<StopCondition> conditions) throws SQLException {
        scene.stopWhen(conditions.toArray(StopCondition[]::new));
        scene.grant();
        scene.source.execute("GRANT SELECT ON job TO " + scene.sourceLogin());
        scene.target.execute("GRANT SELECT ON job TO " + scene.targetLogin());
        ControlSchema.migrate(
                () -> GrantedLogins.as(scene.targetLogin(), scene.target).session("control"));
        FlowControl.resume(scene.stream(), () -> true, "test", InstantSource.system())
                .change(throttle(Limit.ofRows(ROWS_PER_SECOND)), () -> "PLANNED");
        scene.start();
        scene.awaitPhase("BACKFILLING");
    }

    private static FlowChange throttle(Limit limit) {
        return new FlowChange(
                new Action.Throttle(Part.BACKFILL, limit),
                "",
                Optional.empty(),
                Optional.empty(),
                false);
    }

    void finish() {
        scene.running().change(throttle(Limit.NONE));
        scene.awaitPhase("IN_SYNC");
    }

    /// Rows of the large table that are read.
    long rowsRead() {
        return scene.running().status().tables().stream()
                .filter(table -> table.target().equals("public.big"))
                .findFirst()
                .orElseThrow()
                .backfill()
                .rowsDone();
    }

    private static void awaitTrue(TestDatabase database, String sql) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> "t".equals(database.value(sql)));
    }

    private static void execute(Connection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// A session has locked a table of the target, and three others wait for it.
    Ending locked() throws SQLException {
        Connection holder = scene.target.connect();
        holder.setAutoCommit(false);
        execute(holder, "LOCK TABLE other IN ACCESS EXCLUSIVE MODE");
        Ending waiting = sessions(scene.target, 3, "SELECT count(*) FROM other");
        awaitTrue(scene.target, "SELECT count(*) = 3 FROM pg_locks WHERE NOT granted");
        return () -> {
            close(holder);
            waiting.close();
        };
    }

    /// Sessions of another program execute statements.
    Ending busy(TestDatabase database) throws SQLException {
        Ending sessions = sessions(database, 14, "SELECT pg_sleep(600)");
        awaitTrue(
                database,
                "SELECT count(*) = 14 FROM pg_stat_activity WHERE application_name = 'load' AND"
                        + " state = 'active'");
        return sessions;
    }

    private static Ending sessions(TestDatabase database, int number, String sql)
            throws SQLException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < number; i++) {
            Connection session =
                    DriverManager.getConnection(
                            database.url() + "?ApplicationName=load",
                            database.username(),
                            database.password());
            threads.add(Thread.ofVirtual().start(() -> run(session, sql)));
        }
        return () -> {
            database.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                            + " application_name = 'load'");
            for (Thread thread : threads) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
    }

    /// Until it is terminated.
    private static void run(Connection session, String sql) {
        try (session;
                Statement statement = session.createStatement()) {
            statement.execute(sql);
        } catch (SQLException _) {
            // The test has terminated it.
        }
    }

    /// A standby is frozen while its primary writes.
    Ending frozen(boolean ofSource) {
        SandboxPostgres standby = ofSource ? sourceStandby : targetStandby;
        TestDatabase primary = ofSource ? scene.source : scene.target;
        standby.suspend();
        write(primary, 8);
        awaitTrue(primary, STANDBY_LAG + " > 6000000");
        return () -> {
            standby.resume();
            awaitTrue(primary, STANDBY_LAG + " < 4000000");
        };
    }

    private static void write(TestDatabase database, int megabytes) {
        database.execute(
                "SELECT count(pg_logical_emit_message(false, 'test', repeat('x', 1000000)))"
                        + " FROM generate_series(1, %d)".formatted(megabytes));
    }

    /// An open transaction keeps the slot where it is, while others write.
    Ending backlog(int megabytes) throws SQLException {
        Connection open = scene.source.connect();
        open.setAutoCommit(false);
        execute(open, "INSERT INTO doc VALUES (" + -megabytes + ", 'open')");
        write(scene.source, megabytes);
        awaitTrue(
                scene.source,
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > %d FROM pg_replication_slots WHERE slot_name = '%s'"
                        .formatted(megabytes * 950_000L, scene.slot()));
        return () -> {
            execute(open, "COMMIT");
            close(open);
        };
    }

    /// What a SELECT of the file counts.
    Ending jobs(TestDatabase database) {
        database.execute("INSERT INTO job VALUES (1), (2), (3)");
        return () -> database.execute("DELETE FROM job");
    }

    Ending forbidden() {
        answer.set(503);
        return () -> answer.set(200);
    }

    /// A disk that needs 300 ms for each commit looks like this from outside.
    Ending slowTarget() {
        way.wire().delay(DELAY);
        return () -> way.wire().delay(Duration.ZERO);
    }

    @Override
    public void close() {
        scene.close();
        http.stop(0);
        way.close();
        for (SandboxPostgres server :
                List.of(sourceStandby, targetStandby, sourceServer, targetServer)) {
            server.close();
        }
    }
}
