package dev.millrace.apply;

import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Reason;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One thread with one session of its own. It does one task after the other and stays with a task
/// until it has an outcome: what may pass by itself is tried again, on a new session if need be.
/// [#trouble], [#busySince] and [#role] may be read by any thread.
final class Writer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Writer.class);

    /// Opens the session of this writer.
    @FunctionalInterface
    interface Opener {
        BatchWriter open() throws SQLException;
    }

    private final Opener opener;
    private final Backoff backoff;
    private final InstantSource clock;
    private final ApplierCounters tally;
    private volatile @Nullable BatchWriter current;
    private volatile ApplierState.@Nullable Waiting trouble;
    private volatile @Nullable Instant busySince;
    private volatile boolean closed;

    Writer(Opener opener, Backoff backoff, InstantSource clock, ApplierCounters tally) {
        this.opener = opener;
        this.backoff = backoff;
        this.clock = clock;
        this.tally = tally;
    }

    Optional<ApplierState.Waiting> trouble() {
        return Optional.ofNullable(trouble);
    }

    Optional<Instant> busySince() {
        return Optional.ofNullable(busySince);
    }

    /// @throws SQLException when trying again would not help
    WriteOutcome run(TargetTask task) throws SQLException, InterruptedException {
        busySince = clock.instant();
        try {
            for (int attempt = 1; ; attempt++) {
                BatchWriter open;
                try {
                    open = session();
                } catch (SQLException e) {
                    // Nothing was written, and an operator can help while this waits: by a
                    // password,
                    // a privilege, a server.
                    if (closed) {
                        throw e;
                    }
                    await(e, attempt);
                    continue;
                }
                try {
                    WriteOutcome outcome = open.run(task);
                    trouble = null;
                    return outcome;
                } catch (SQLException e) {
                    if (closed || FailureAction.of(e) != FailureAction.RETRY) {
                        throw e;
                    }
                    await(e, attempt);
                }
            }
        } finally {
            busySince = null;
        }
    }

    private void await(SQLException failure, int attempt) throws InterruptedException {
        if (!FailureAction.leavesSession(failure)) {
            drop();
        }
        String reason = reason(failure);
        ApplierState.Waiting before = trouble;
        trouble =
                new ApplierState.Waiting(
                        FailureClassifier.of(failure).waiting().from("the target"),
                        before == null ? clock.instant() : before.since());
        tally.error(reason);
        LOG.atWarn()
                .addKeyValue("attempt", attempt)
                .addKeyValue("sqlstate", failure.getSQLState())
                .log("the target did not take a transaction; it is tried again");
        backoff.await(attempt);
    }

    private BatchWriter session() throws SQLException {
        BatchWriter open = current;
        if (open == null || open.isClosed()) {
            open = opener.open();
            current = open;
            if (closed) {
                drop();
            }
        }
        return open;
    }

    private void drop() {
        BatchWriter open = current;
        current = null;
        if (open != null) {
            open.close();
        }
    }

    /// The server's own message, where it can't quote a row.
    static String reason(SQLException failure) {
        return "the target: " + Reason.of(failure) + " (SQLSTATE " + failure.getSQLState() + ")";
    }

    /// Breaks off what the session is doing; what isn't committed never was.
    @Override
    public void close() {
        closed = true;
        BatchWriter open = current;
        if (open != null) {
            open.abort();
        }
    }
}
