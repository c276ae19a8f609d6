package dev.millrace.control.flow;

import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Measures how long a transaction of one row takes on the target, from its statement to the reply
/// to its commit. The row is one of the control schema, so apply need not be running. [#measure]
/// and [#close] are confined to one thread; [#startedAt] is thread-safe.
public final class CommitProbe implements AutoCloseable {

    /// A commit that takes longer counts as no answer.
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private static final String WRITE =
            """
            INSERT INTO millrace.flow_probe (migration, at)
            VALUES (?, pg_catalog.clock_timestamp())
            ON CONFLICT (migration) DO UPDATE SET at = excluded.at
            """;

    private final Database control;
    private final String migration;
    private final InstantSource clock;
    private @Nullable Connection session;
    private volatile @Nullable Instant started;

    /// Opens no session; [#measure] does.
    public CommitProbe(Database control, String migration, InstantSource clock) {
        this.control = control;
        this.migration = migration;
        this.clock = clock;
    }

    /// Since when a transaction waits for its reply.
    public Optional<Instant> startedAt() {
        return Optional.ofNullable(started);
    }

    /// @throws SQLException when the target does not answer; call [#close] then
    public Duration measure() throws SQLException {
        Connection open = session();
        Instant before = clock.instant();
        started = before;
        try {
            Statements.update(open, WRITE, migration);
            return Duration.between(before, clock.instant());
        } finally {
            started = null;
        }
    }

    private Connection session() throws SQLException {
        Connection open = session;
        if (open == null || open.isClosed()) {
            open = control.connect("probe-commit");
            session = open;
            open.setNetworkTimeout(Runnable::run, Math.toIntExact(SILENCE.toMillis()));
        }
        return open;
    }

    /// Closes the session. The next measurement opens another.
    @Override
    public void close() {
        Connection open = session;
        session = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException _) {
                // The session is broken already.
                return;
            }
        }
    }
}
