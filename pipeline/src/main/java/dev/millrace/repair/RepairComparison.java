package dev.millrace.repair;

import dev.millrace.change.RowKey;
import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.TableReportBuilder.Differences;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.replication.LiveStream;
import dev.millrace.stream.ReplicationStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// The comparisons of one step of a repair, which another thread can end. Confined to the thread of
/// the repair, except [#cancel] and [#abort].
final class RepairComparison {

    private final Chunker chunker;
    private final Cancellation cancellation = new Cancellation();
    private final Reconciler reconciler;

    /// @param blocked why no further change can arrive on the target, as far as that is known
    RepairComparison(
            LiveStream live,
            Reconciler.Subject subject,
            Supplier<Optional<String>> blocked,
            InstantSource clock) {
        ReplicationStream stream = live.with().stream();
        this.chunker = stream.chunker("repair", Duration.ZERO);
        this.reconciler =
                new Reconciler(
                        subject,
                        live.progress(blocked),
                        new Reconciler.Sources(
                                chunker, new ChangeLog(stream.kafka(), stream.topics())),
                        ReconcileLimits.DEFAULT,
                        clock);
    }

    ReconciliationReport find(List<Mapping> tables, Function<Mapping, Differences> found) {
        return reconciler.find(tables, cancellation, found);
    }

    TableReport compare(Mapping table, List<RowKey> keys, Differences found) {
        return reconciler.compare(table, keys, cancellation, found);
    }

    boolean isCancelled() {
        return cancellation.isRequested();
    }

    /// Ends it as soon as its servers answer.
    void cancel() {
        cancellation.request();
        chunker.cancelStatements();
    }

    /// Ends it without waiting for the servers.
    void abort() {
        cancellation.request();
        chunker.abort();
    }
}
