package dev.millrace.fence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.TableId;
import dev.millrace.control.ControlSchema;
import dev.millrace.fence.WriteFence.Limits;
import dev.millrace.fence.WriteFence.Outcome;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// A database with tables of every kind, and four login roles: the superuser; Millrace, with what
/// `millrace grants` prints; the application, which Millrace may become if a test says so; and a
/// peer with the same privileges, which it may not become. Not thread-safe.
final class FenceScene implements AutoCloseable {

    static final Limits LIMITS =
            new Limits(
                    Duration.ofMillis(300),
                    Duration.ofMillis(5),
                    Duration.ofSeconds(20),
                    Duration.ofSeconds(5));

    /// Long enough for a test.
    static final Duration LONG = Duration.ofMinutes(5);

    static final List<TableId> TABLES =
            List.of(table("plain"), table("root"), table("family"), table("follower"));

    final TestDatabase admin = PostgresServer.shared().newDatabase();
    final Login millrace;
    final Login app;
    final Login peer;
    final String owner;
    final Database database;
    final WriteFence fence;

    FenceScene() throws SQLException {
        String name = admin.name();
        owner = "owner_" + name;
        app = client("app_" + name);
        peer = client("peer_" + name);
        admin.execute(
                "CREATE ROLE " + owner,
                "GRANT CREATE ON SCHEMA public TO " + owner,
                "SET ROLE " + owner,
                "CREATE TABLE plain (id int PRIMARY KEY, v int)",
                "CREATE TABLE root (id int PRIMARY KEY, v int) PARTITION BY RANGE (id)",
                "CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE middle PARTITION OF root FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id)",
                "CREATE TABLE deep PARTITION OF middle FOR VALUES FROM (100) TO (200)",
                "CREATE TABLE late (id int PRIMARY KEY, v int)",
                "CREATE TABLE family (id int PRIMARY KEY, v int)",
                "CREATE TABLE child (extra int) INHERITS (family)",
                "CREATE TABLE grandchild () INHERITS (child)",
                "CREATE TABLE outside (id int PRIMARY KEY)",
                "CREATE TABLE follower (id int PRIMARY KEY REFERENCES outside ON DELETE CASCADE)",
                "INSERT INTO plain VALUES (1, 1)",
                "INSERT INTO root VALUES (1, 1), (101, 1)",
                "INSERT INTO child VALUES (1, 1)",
                "INSERT INTO outside VALUES (1)",
                "INSERT INTO follower VALUES (1)",
                "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO "
                        + app.name()
                        + ", "
                        + peer.name(),
                "RESET ROLE");
        millrace = GrantedLogins.source(admin);
        ControlSchema.migrate(() -> millrace.session("control"));
        database = millrace.database("shop");
        fence = fence("shop", TABLES);
    }

    static TableId table(String name) {
        return new TableId("public", name);
    }

    private Login client(String role) {
        admin.execute("CREATE ROLE " + role + " LOGIN PASSWORD '" + GrantedLogins.PASSWORD + "'");
        return GrantedLogins.as(role, admin);
    }

    /// No printed statement makes Millrace a member of the application's role. Where it is one, a
    /// proof of the fence tries this role.
    FenceScene mayBecomeApp() {
        admin.execute("GRANT " + app.name() + " TO " + millrace.name());
        return this;
    }

    WriteFence fence(String stream, List<TableId> tables) {
        return new WriteFence(database, stream, tables, LIMITS);
    }

    /// Another controller of the same stream.
    WriteFence another() {
        return fence("shop", TABLES);
    }

    FenceScene installed() throws Exception {
        assertThat(fence.install()).isEqualTo(new Outcome.Done());
        return this;
    }

    /// @return the epoch
    long closed() throws Exception {
        return closed(LONG);
    }

    long closed(Duration ttl) throws Exception {
        return epoch(taken(fence.close(ttl)));
    }

    static Lease taken(Lease.Change change) {
        assertThat(change).isInstanceOf(Lease.Change.Taken.class);
        return ((Lease.Change.Taken) change).lease();
    }

    static void notTaken(Lease.Change change) {
        assertThat(change).isInstanceOf(Lease.Change.NotTaken.class);
    }

    static long epoch(Lease lease) {
        return switch (lease) {
            case Lease.Absent _ -> 0;
            case Lease.Leased(long epoch, Duration _) -> epoch;
            case Lease.Expired(long epoch) -> epoch;
            case Lease.Permanent(long epoch) -> epoch;
            case Lease.Open(long epoch) -> epoch;
        };
    }

    /// Runs the statements in one transaction of a new session that is rolled back.
    static void tryOut(Login as, String... statements) throws SQLException {
        tryOut(as.database(), statements);
    }

    /// Runs the statements in one transaction of a new session that is rolled back.
    static void tryOut(TestDatabase as, String... statements) throws SQLException {
        try (Connection session = as.connect()) {
            session.setAutoCommit(false);
            run(session, statements);
            session.rollback();
        }
    }

    static void run(Connection session, String... statements) throws SQLException {
        try (Statement statement = session.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    static void assertRefused(ThrowingCallable write) {
        assertThatThrownBy(write)
                .isInstanceOfSatisfying(
                        SQLException.class,
                        e -> {
                            assertThat(e.getSQLState()).as(e::getMessage).isEqualTo("25006");
                            assertThat(e.getMessage())
                                    .contains("closed for writes by migration shop");
                        });
    }

    /// Lets the database's clock pass the moment at which the newest lease would have expired.
    void awaitClock(String moment) {
        org.awaitility.Awaitility.await()
                .until(
                        () ->
                                "t"
                                        .equals(
                                                admin.value(
                                                        "SELECT clock_timestamp() > '"
                                                                + moment
                                                                + "'")));
    }

    String expiry() {
        return String.valueOf(
                admin.value("SELECT expires_at FROM millrace.lease ORDER BY epoch DESC LIMIT 1"));
    }

    @Override
    public void close() {
        fence.close();
        database.close();
    }
}
