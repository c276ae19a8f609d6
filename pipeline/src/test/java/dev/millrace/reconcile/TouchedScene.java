package dev.millrace.reconcile;

import dev.millrace.change.WatermarkNumber;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReplicationProgress.Wait;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.reconcile.touched.TouchedReconciliation.Limit;
import dev.millrace.reconcile.touched.TouchedReconciliation.Table;
import dev.millrace.reconcile.touched.TouchedReport;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// A [UsersScene] whose tables were compared as a whole before the test writes.
final class TouchedScene implements AutoCloseable {

    final UsersScene users = new UsersScene();
    List<Mapping> mappings = List.of(users.mapping);
    TouchedBasis basis = new TouchedBasis.Missing("nothing was compared");
    Duration limit = Duration.ofSeconds(60);

    /// Compares all rows.
    ReconciliationReport reconcile() {
        ReconciliationReport report = users.reconcile(mappings);
        basis = TouchedBasis.of(report, UsersScene.SPEC_HASH);
        return report;
    }

    /// Compares touched keys and numbers of rows, and builds the next comparison on it.
    ReconciliationReport compare() {
        ReconciliationReport report = users.touched().compare(tables(), basis, limit());
        basis = TouchedBasis.of(report, UsersScene.SPEC_HASH);
        return report;
    }

    TouchedReport prepare() {
        TouchedReport report = users.touched().prepare(tables(), basis, limit());
        basis = report.next();
        return report;
    }

    void rehearse() {
        users.touched().rehearse(tables(), (TouchedBasis.Usable) basis, limit());
    }

    TouchedReport finish() {
        return finish(fence());
    }

    TouchedReport finish(WatermarkNumber applied) {
        return users.touched().finish(tables(), basis, applied, limit());
    }

    /// The only table of the comparison under the fence.
    TouchedReport.Table fenced() {
        return finish().tables().getFirst();
    }

    /// A watermark after the last write, applied.
    WatermarkNumber fence() {
        WatermarkNumber number = users.progress.emitWatermark().number();
        if (!(users.progress.awaitApplied(number, new Cancellation()) instanceof Wait.Applied)) {
            throw new AssertionError("not applied");
        }
        return number;
    }

    private List<Table> tables() {
        return mappings.stream().map(mapping -> new Table(mapping, UserMapper.users())).toList();
    }

    private Limit limit() {
        return new Limit(users.cancellation, Instant.now().plus(limit));
    }

    @Override
    public void close() {
        users.close();
    }
}
