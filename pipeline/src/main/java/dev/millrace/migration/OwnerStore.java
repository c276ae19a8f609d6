package dev.millrace.migration;

import dev.millrace.lag.Watch;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// A lock on the target that lives with a session: one process at a time runs a migration. It keeps
/// people from starting a second one by mistake; exactness doesn't rest on it but on the
/// transactional id and the stored offsets. A process that dies lets go at once; after an outage of
/// the target the lock is taken again.
final class OwnerStore implements AutoCloseable {

    private static final Duration LOOK = Duration.ofSeconds(2);

    private static final String TAKE =
            "SELECT pg_try_advisory_lock(hashtextextended('millrace.owner.' || ?, 0))";

    private final MigrationSetup setup;
    private final Watch watch;
    private @Nullable Connection session;

    private OwnerStore(MigrationSetup setup, Connection session) {
        this.setup = setup;
        this.session = session;
        this.watch = Watch.start("owner", LOOK, setup.clock(), this::keep, this::letGo);
    }

    /// @throws RefusedException when another process has it
    static OwnerStore take(MigrationSetup setup) throws SQLException {
        Connection session = setup.target().connect("owner");
        if (locked(session, setup.migration())) {
            return new OwnerStore(setup, session);
        }
        session.close();
        throw new RefusedException(
                "another Millrace runs migration "
                        + setup.migration()
                        + ": its session on the target is named 'millrace "
                        + setup.migration()
                        + " owner' in pg_stat_activity. End that process first; if it is frozen, kill it");
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
        if (session == null) {
            Connection again = setup.target().connect("owner");
            session = again;
            if (!locked(again, setup.migration())) {
                throw new SQLException("another process has taken the migration's lock");
            }
        } else if (!session.isValid(5)) {
            throw new SQLException("the session that holds the migration's lock is gone");
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
