package dev.millrace.migration;

import dev.millrace.lag.PeriodicProbe;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A lock on the target that lives with a session: one process at a time runs a migration. A
/// process that dies releases it at once. While the target is away nobody else can take it, so the
/// components run on; when it is back, the lock is taken again, or the components stop. Exactness
/// rests on the transactional id and the stored offsets, not on this lock. Thread-safe.
final class OwnerStore implements AutoCloseable {

    private static final Duration LOOK = Duration.ofSeconds(2);

    private static final String TAKE =
            "SELECT pg_try_advisory_lock(hashtextextended('millrace.owner.' || ?, 0))";

    private static final String NEXT_EPOCH =
            """
            INSERT INTO millrace.owner AS known (migration, epoch, who) VALUES (?, 1, ?)
            ON CONFLICT (migration) DO UPDATE SET epoch = known.epoch + 1, who = excluded.who,
                taken_at = clock_timestamp()
            RETURNING epoch
            """;

    /// A connection that broke on our side only may still hold the lock on the server's.
    private static final String END =
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                    + " WHERE pid = ? AND usename = current_user AND application_name = left(?, 63)";

    /// Whether this process may run the migration.
    sealed interface Hold {

        record Held() implements Hold {}

        /// Another process has the lock.
        record Taken(String reason, Instant since) implements Hold {}

        /// Another process has run the migration since. Final.
        record Overtaken(String reason) implements Hold {}
    }

    private final MigrationSetup setup;
    private final PeriodicProbe watch;
    private volatile Hold hold = new Hold.Held();
    private @Nullable Connection session;
    private int pid;
    private long epoch;

    private OwnerStore(MigrationSetup setup, Connection session) throws SQLException {
        this.setup = setup;
        this.session = session;
        this.pid = pid(session);
        this.watch = PeriodicProbe.start("owner", LOOK, setup.clock(), this::keep, () -> {});
    }

    /// @throws RefusedException when another process has it
    static OwnerStore take(MigrationSetup setup) throws SQLException {
        Connection session = setup.target().connect("owner");
        if (locked(session, setup.migration())) {
            return new OwnerStore(setup, session);
        }
        session.close();
        throw new RefusedException(
                runsElsewhere(setup) + ". End that process first; if it is frozen, kill it");
    }

    private static String runsElsewhere(MigrationSetup setup) {
        return "another Millrace runs migration "
                + setup.migration()
                + ": its session on the target is named '"
                + name(setup)
                + "' in pg_stat_activity";
    }

    private static String name(MigrationSetup setup) {
        return "millrace " + setup.migration() + " owner";
    }

    /// Marks that this process runs the migration from now on, when the control schema is there.
    synchronized void begin() throws SQLException {
        if (session == null) {
            throw new SQLException(
                    "the session that holds the migration's lock is gone",
                    SqlState.CONNECTION_DOES_NOT_EXIST.code());
        }
        try (PreparedStatement statement = session.prepareStatement(NEXT_EPOCH)) {
            statement.setString(1, setup.migration());
            statement.setString(2, setup.who());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                epoch = row.getLong(1);
            }
        }
    }

    Hold hold() {
        return hold;
    }

    /// Whether the lock is held at this moment, which an absent target can't say.
    synchronized boolean isConfirmed() {
        try {
            return hold instanceof Hold.Held && session != null && session.isValid(5);
        } catch (SQLException _) {
            return false;
        }
    }

    private static boolean locked(Connection session, String migration) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(TAKE)) {
            statement.setString(1, migration);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    private synchronized void keep() throws SQLException {
        if (hold instanceof Hold.Overtaken || session != null && session.isValid(5)) {
            return;
        }
        letGo();
        Connection again = setup.target().connect("owner");
        try {
            takeAgain(again);
        } catch (SQLException | RuntimeException e) {
            again.close();
            throw e;
        }
    }

    private void takeAgain(Connection again) throws SQLException {
        endPrevious(again);
        if (!locked(again, setup.migration())) {
            again.close();
            if (!(hold instanceof Hold.Taken)) {
                hold = new Hold.Taken(runsElsewhere(setup), setup.clock().instant());
            }
        } else if (epoch != 0 && epoch(again) != epoch) {
            again.close();
            hold =
                    new Hold.Overtaken(
                            "this process lost the lock of migration "
                                    + setup.migration()
                                    + " on the target, and another Millrace has run the migration since. End this process");
        } else {
            session = again;
            pid = pid(again);
            hold = new Hold.Held();
        }
    }

    private void endPrevious(Connection again) throws SQLException {
        try (PreparedStatement statement = again.prepareStatement(END)) {
            statement.setInt(1, pid);
            statement.setString(2, name(setup));
            statement.execute();
        }
    }

    private long epoch(Connection connection) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT epoch FROM millrace.owner WHERE migration = ?")) {
            statement.setString(1, setup.migration());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getLong(1) : 0;
            }
        }
    }

    private static int pid(Connection session) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement("SELECT pg_backend_pid()");
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getInt(1);
        }
    }

    private synchronized void letGo() {
        Connection held = session;
        session = null;
        if (held != null) {
            try {
                held.close();
            } catch (SQLException _) {
                // It is broken already, and the lock with it.
                return;
            }
        }
    }

    @Override
    public void close() {
        try {
            watch.close();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        letGo();
    }
}
