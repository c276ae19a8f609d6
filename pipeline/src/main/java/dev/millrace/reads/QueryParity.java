package dev.millrace.reads;

import dev.millrace.digest.Chunker;
import dev.millrace.digest.ReadFailed;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.lifecycle.Incident;
import dev.millrace.parity.QueryReport;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.query.QuerySession;
import dev.millrace.reads.QueryComparison.Budget;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.Cancellation.Cancelled;
import dev.millrace.reconcile.FencedSourceReader;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import dev.millrace.retention.LogHolds;
import dev.millrace.spec.queries.QueryPair;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares the results of the application's statements on both sides. Changes nothing, except for
/// the watermarks that its [ReplicationProgress] emits. Not thread-safe.
final class QueryParity {

    private static final Logger LOG = LoggerFactory.getLogger(QueryParity.class);

    private static final Duration CANCEL_INTERVAL = Duration.ofMillis(100);

    private final Database source;
    private final Database target;
    private final ReplicationProgress progress;
    private final Chunker chunker;
    private final ChangeLog log;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private final Budget budget;

    QueryParity(
            Database source,
            Database target,
            ReplicationProgress progress,
            Chunker chunker,
            ChangeLog log,
            Cancellation cancellation,
            InstantSource clock,
            Budget budget) {
        this.source = source;
        this.target = target;
        this.progress = progress;
        this.chunker = chunker;
        this.log = log;
        this.cancellation = cancellation;
        this.clock = clock;
        this.budget = budget;
    }

    /// A server does not answer.
    static final class SideLost extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final transient SQLException lost;

        SideLost(SQLException lost) {
            super(lost);
            this.lost = lost;
        }
    }

    /// One report for each statement. Those that a cancellation left out are undecided.
    List<QueryReport> compare(List<QueryPair> pairs) {
        List<QueryReport> reports = new ArrayList<>();
        try (LogHolds.Hold _ = progress.holdLog()) {
            for (QueryPair pair : pairs) {
                reports.add(compare(pair));
            }
        }
        return reports;
    }

    private QueryReport compare(QueryPair pair) {
        try {
            cancellation.check();
            return run(pair);
        } catch (Cancelled _) {
            return QueryComparison.undecided(pair, "the reconciliation was cancelled");
        } catch (SideLost e) {
            return failed(pair, e.lost);
        } catch (SQLException
                | ReadFailed
                | LogUnreadable
                | ReplicationUnavailable
                | Database.DatabaseFailure e) {
            return cancellation.isRequested()
                    ? QueryComparison.undecided(pair, "the reconciliation was cancelled")
                    : failed(pair, e);
        }
    }

    private static QueryReport failed(QueryPair pair, Throwable e) {
        return QueryComparison.undecided(
                pair, Incident.reason(LOG, "A query could not be compared.", e));
    }

    private QueryReport run(QueryPair pair) throws SQLException {
        try (QuerySession from = new QuerySession(source, pair.role(), budget.statement());
                QuerySession to = new QuerySession(target, pair.role(), budget.statement())) {
            CountDownLatch ended = new CountDownLatch(1);
            Thread.ofVirtual()
                    .name("queries-cancel")
                    .start(() -> cancelOnRequest(List.of(from, to), ended));
            try {
                return new QueryComparison(
                                pair,
                                from,
                                to,
                                new QuerySettlement(
                                        new FencedSourceReader(
                                                progress,
                                                chunker,
                                                ReconcileLimits.DEFAULT,
                                                cancellation,
                                                clock),
                                        progress,
                                        log,
                                        cancellation),
                                budget,
                                cancellation)
                        .compare();
            } finally {
                ended.countDown();
            }
        }
    }

    /// The kill switch. Repeated: a cancel request that arrives just before a statement has no
    /// effect.
    private void cancelOnRequest(List<QuerySession> sessions, CountDownLatch ended) {
        try {
            while (!ended.await(CANCEL_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                if (cancellation.isRequested()) {
                    sessions.forEach(QuerySession::cancel);
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
