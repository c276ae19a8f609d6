package dev.millrace.capture;

import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.lifecycle.ComponentState;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/// Reports what blocks a starting capture on the source: the transactions that must end before a
/// slot is consistent, or the locks that prevent the creation of the publication. Reports sessions,
/// users and prepared transactions, but no query text. Runs on its own thread until the start is
/// over or it is closed. Thread-safe.
final class StartWaits implements AutoCloseable {

    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final int MOST_REPORTED = 5;

    /// A prepared transaction has no session, so `pg_blocking_pids` reports it as 0. It is found by
    /// the lock on its own id; the virtual transaction of that lock also holds its other locks.
    private static final String BLOCKERS =
            """
            WITH ours AS (
                SELECT active_pid AS pid FROM pg_catalog.pg_replication_slots WHERE slot_name = ? AND active_pid IS NOT NULL
                UNION SELECT pid FROM pg_catalog.pg_stat_activity WHERE application_name = left(?, 63) AND usename = current_user),
            locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks),
            waiting AS (SELECT l.* FROM locks l JOIN ours USING (pid) WHERE NOT l.granted),
            blockers AS (SELECT DISTINCT b.pid FROM waiting w, unnest(pg_catalog.pg_blocking_pids(w.pid)) b (pid) WHERE b.pid > 0),
            prepared AS (
                SELECT DISTINCT p.* FROM pg_catalog.pg_prepared_xacts p
                JOIN locks x ON x.pid IS NULL AND x.granted AND x.transactionid = p.transaction
                JOIN locks h ON h.pid IS NULL AND h.granted AND h.virtualtransaction = x.virtualtransaction
                JOIN waiting w ON w.locktype = h.locktype AND w.database IS NOT DISTINCT FROM h.database
                    AND w.relation IS NOT DISTINCT FROM h.relation AND w.transactionid IS NOT DISTINCT FROM h.transactionid)
            SELECT since, what FROM (
                SELECT prepared AS since, 'prepared transaction ' || quote_literal(gid) || ' of ' || owner || ' in database '
                    || database || ' since ' || to_char(prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS what
                FROM prepared
                UNION ALL
                SELECT a.xact_start, 'pid ' || b.pid || coalesce(' of ' || a.usename, '') || coalesce(' in database ' || a.datname, '')
                    || coalesce(' since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')
                FROM blockers b LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)) found
            ORDER BY since NULLS LAST, what LIMIT ?
            """;

    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    private StartWaits(
            SourceConnections connections,
            CaptureSettings settings,
            Predicate<Optional<String>> listener) {
        this.thread =
                Thread.ofVirtual()
                        .name("start-waits-" + settings.migration())
                        .start(() -> report(connections, settings, listener));
    }

    static StartWaits watch(
            SourceConnections connections,
            CaptureSettings settings,
            Predicate<Optional<String>> listener) {
        return new StartWaits(connections, settings, listener);
    }

    private void report(
            SourceConnections connections,
            CaptureSettings settings,
            Predicate<Optional<String>> listener) {
        try {
            boolean starting = true;
            while (starting && !closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                Optional<String> found = findBlockers(connections, settings);
                starting = closed.getCount() > 0 && listener.test(found);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// If the source does not respond, the start itself fails with a better message.
    private static Optional<String> findBlockers(
            SourceConnections connections, CaptureSettings settings) {
        try (Connection connection = connections.open("probe");
                PreparedStatement statement = connection.prepareStatement(BLOCKERS)) {
            statement.setString(1, settings.slot());
            statement.setString(2, "millrace " + settings.migration() + " capture");
            statement.setInt(3, MOST_REPORTED);
            List<String> found = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    found.add(row.getString("what"));
                }
            }
            return found.isEmpty()
                    ? Optional.empty()
                    : Optional.of(ComponentState.Starting.transactions(found));
        } catch (SQLException _) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        closed.countDown();
        thread.interrupt();
    }
}
