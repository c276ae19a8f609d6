package dev.millrace.control.flow;

import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.KeptSession;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Measures how long a transaction of one row takes on the target, from its statement to the reply
/// to its commit. The row is one of the control schema, so apply need not be running. The server
/// cancels a statement that waits for longer than the limit, so that no session of the probe stays
/// behind. [#measure] and [#close] are confined to one thread; [#startedAt] is thread-safe.
public final class CommitProbe implements AutoCloseable {

    /// For how long the row may be locked, and the statement may run. A commit that waits for a
    /// standby is not cancelled by it.
    public static final Duration LIMIT = Duration.ofSeconds(20);

    /// A commit that takes longer counts as no answer.
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private static final String WRITE =
            """
            INSERT INTO millrace.flow_probe (migration, at)
            VALUES (?, pg_catalog.clock_timestamp())
            ON CONFLICT (migration) DO UPDATE SET at = excluded.at
            """;

    private final String migration;
    private final InstantSource clock;
    private final KeptSession session;
    private volatile @Nullable Instant started;

    /// Opens no session; [#measure] does.
    ///
    /// @param limit how long a statement may take
    public CommitProbe(Database control, String migration, InstantSource clock, Duration limit) {
        this.migration = migration;
        this.clock = clock;
        this.session = new KeptSession(() -> limited(control, limit));
    }

    private static Connection limited(Database control, Duration limit) throws SQLException {
        Connection opened = control.connect("probe-commit", SILENCE);
        try {
            Statements.update(opened, "SET lock_timeout = " + limit.toMillis());
            Statements.update(opened, "SET statement_timeout = " + limit.toMillis());
            return opened;
        } catch (SQLException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /// Since when a transaction waits for its reply.
    public Optional<Instant> startedAt() {
        return Optional.ofNullable(started);
    }

    /// @return what the transaction took; of one that the server cancelled, what it took until then
    /// @throws SQLException when the target does not answer; call [#close] then
    public Duration measure() throws SQLException {
        Connection open = session.get();
        Instant before = clock.instant();
        started = before;
        try {
            Statements.update(open, WRITE, migration);
            return Duration.between(before, clock.instant());
        } catch (SQLException e) {
            if (SqlState.LOCK_NOT_AVAILABLE.matches(e) || SqlState.QUERY_CANCELED.matches(e)) {
                return Duration.between(before, clock.instant());
            }
            throw e;
        } finally {
            started = null;
        }
    }

    /// Closes the session. The next measurement opens another.
    @Override
    public void close() {
        session.close();
    }
}
