package dev.millrace.control;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/// The owner's lock of a migration: an advisory lock of one session on the target, so that one
/// process at a time runs the migration. It is released at once when the process ends. While the
/// target is unreachable no other process can take the lock, so the components continue; when the
/// target is reachable again, [#keep] takes the lock again or reports that another process has it.
/// Exactness rests on the transactional id and the stored offsets, not on this lock. Thread-safe.
public final class OwnerStore implements AutoCloseable {

    /// How often [#keep] should be called.
    public static final Duration CHECK_INTERVAL = Duration.ofSeconds(2);

    private static final int VALIDATION_SECONDS = 5;

    private static final String LOCK =
            "SELECT pg_try_advisory_lock(hashtextextended('millrace.owner.' || ?, 0))";

    private static final String UNLOCK =
            "SELECT pg_advisory_unlock(hashtextextended('millrace.owner.' || ?, 0))";

    private static final String NEXT_EPOCH =
            """
            INSERT INTO millrace.owner AS known (migration, epoch, who) VALUES (?, 1, ?)
            ON CONFLICT (migration) DO UPDATE SET epoch = known.epoch + 1, who = excluded.who,
                taken_at = clock_timestamp()
            RETURNING epoch
            """;

    private static final String EPOCH = "SELECT epoch FROM millrace.owner WHERE migration = ?";

    /// A connection that broke on the client's side only may still have the lock on the server.
    private static final String END_SESSION =
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                    + " WHERE pid = ? AND usename = current_user AND application_name = left(?, 63)";

    /// The result of [#take].
    public sealed interface Claim {

        record Granted(OwnerStore owner) implements Claim {}

        /// Another process has the lock. The reason says which, and what to do.
        record Refused(String reason) implements Claim {}
    }

    /// Whether this process may run the migration.
    public sealed interface Ownership {

        record Held() implements Ownership {}

        /// Another process has the lock.
        record Taken(String reason, Instant since) implements Ownership {}

        /// Another process has run the migration after this one lost the lock. Final.
        record Superseded(String reason) implements Ownership {}
    }

    private final Database control;
    private final String migration;
    private final String who;
    private final InstantSource clock;
    private volatile Ownership ownership = new Ownership.Held();
    private @Nullable Connection session;
    private int pid;
    private long epoch;
    private boolean closed;

    private OwnerStore(
            Database control, String migration, String who, InstantSource clock, Connection session)
            throws SQLException {
        this.control = control;
        this.migration = migration;
        this.who = who;
        this.clock = clock;
        this.session = session;
        this.pid = pid(session);
    }

    /// Takes the lock; does not wait for it.
    ///
    /// @param who the operator or the service, as the control schema names it
    public static Claim take(Database control, String migration, String who, InstantSource clock)
            throws SQLException {
        Connection session = control.connect("owner");
        try {
            if (lock(session, migration)) {
                return new Claim.Granted(new OwnerStore(control, migration, who, clock, session));
            }
        } catch (SQLException | RuntimeException e) {
            session.close();
            throw e;
        }
        session.close();
        return new Claim.Refused(
                runsElsewhere(migration) + " End that process first; kill it if it is frozen.");
    }

    private static String runsElsewhere(String migration) {
        return "Another Millrace process runs migration %s. Its session on the target is named '%s' in pg_stat_activity."
                .formatted(migration, sessionName(migration));
    }

    private static String sessionName(String migration) {
        return "millrace " + migration + " owner";
    }

    /// Records that this process runs the migration from now on. The control schema must exist.
    public synchronized void begin() throws SQLException {
        if (session == null) {
            throw new SQLException(
                    "The session that has the migration's lock is closed.",
                    SqlState.CONNECTION_DOES_NOT_EXIST.code());
        }
        epoch = Statements.one(session, NEXT_EPOCH, row -> row.getLong(1), migration, who);
    }

    /// Counts the processes that ran the migration. A later process has a higher epoch; 0 before
    /// [#begin].
    public synchronized long epoch() {
        return epoch;
    }

    public Ownership ownership() {
        return ownership;
    }

    /// Whether this process has the lock at this moment; false while the target does not answer.
    public synchronized boolean isConfirmed() {
        try {
            return ownership instanceof Ownership.Held
                    && session != null
                    && session.isValid(VALIDATION_SECONDS);
        } catch (SQLException _) {
            return false;
        }
    }

    /// Checks the lock's session and takes the lock again after the session was lost. Call it every
    /// [#CHECK_INTERVAL]. Does nothing after [#close].
    ///
    /// @throws SQLException when the target does not answer; the ownership is unchanged then
    public synchronized void keep() throws SQLException {
        if (closed
                || ownership instanceof Ownership.Superseded
                || session != null && session.isValid(VALIDATION_SECONDS)) {
            return;
        }
        closeSession();
        Connection replacement = control.connect("owner");
        try {
            retake(replacement);
        } catch (SQLException | RuntimeException e) {
            replacement.close();
            throw e;
        }
    }

    private void retake(Connection replacement) throws SQLException {
        endPreviousSession(replacement);
        if (!lock(replacement, migration)) {
            replacement.close();
            if (!(ownership instanceof Ownership.Taken)) {
                ownership = new Ownership.Taken(runsElsewhere(migration), clock.instant());
            }
        } else if (epoch != 0 && storedEpoch(replacement) != epoch) {
            replacement.close();
            ownership =
                    new Ownership.Superseded(
                            "This process lost the lock of migration %s on the target, and another Millrace process has run the migration since. Stop this process."
                                    .formatted(migration));
        } else {
            session = replacement;
            pid = pid(replacement);
            ownership = new Ownership.Held();
        }
    }

    private static boolean lock(Connection session, String migration) throws SQLException {
        return Statements.one(session, LOCK, row -> row.getBoolean(1), migration);
    }

    private void endPreviousSession(Connection replacement) throws SQLException {
        Statements.list(
                replacement, END_SESSION, row -> row.getBoolean(1), pid, sessionName(migration));
    }

    private long storedEpoch(Connection connection) throws SQLException {
        return Statements.first(connection, EPOCH, row -> row.getLong(1), migration).orElse(0L);
    }

    private static int pid(Connection session) throws SQLException {
        return Statements.one(session, "SELECT pg_backend_pid()", row -> row.getInt(1));
    }

    private void closeSession() {
        Connection held = session;
        session = null;
        if (held != null) {
            try {
                held.close();
            } catch (SQLException _) {
                // The session is broken already, and the lock is lost with it.
                return;
            }
        }
    }

    /// Releases the lock.
    @Override
    public synchronized void close() {
        closed = true;
        unlock();
        closeSession();
    }

    /// The server ends a closed session some time after the client. With the lock released first, a
    /// process that starts right after this call can take it.
    private void unlock() {
        try {
            if (session != null && session.isValid(VALIDATION_SECONDS)) {
                Statements.list(session, UNLOCK, row -> row.getBoolean(1), migration);
            }
        } catch (SQLException _) {
            // The session is broken, and the lock is released when the server notices it.
            return;
        }
    }
}
