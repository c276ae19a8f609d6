package dev.millrace.reconcile.touched;

import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.StartPosition.Servers;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The result of comparing the keys that changed since an earlier comparison. Immutable.
///
/// @param tables in the order of the request
/// @param next what a later comparison builds on; missing unless this one ran before the fence and
///   decided every table
/// @param servers where both servers were after a comparison under the fence; empty if unknown
public record TouchedReport(
        Verdict verdict,
        Instant startedAt,
        Instant finishedAt,
        List<Table> tables,
        TouchedBasis next,
        Optional<Servers> servers) {

    public TouchedReport {
        tables = List.copyOf(tables);
    }

    /// One target table.
    ///
    /// @param report rows are the counts of both sides under the fence, `null` before it; there are
    ///   no checksums. Without keys, `missing` or `extra` is the difference of the counts. `cause`
    ///   also explains such a difference
    /// @param method what was compared: touched keys since when, or all rows and why
    /// @param keys the number of keys that were compared one by one
    public record Table(TableReport report, String method, long keys) {

        /// The report that says how the table was compared.
        TableReport named() {
            return report.by(
                    keys == 0 && !method.startsWith(TouchedTable.TOUCHED)
                            ? method
                            : String.format(Locale.ROOT, "%,d %s", keys, method));
        }
    }

    static Verdict verdict(List<Table> tables) {
        return Verdict.of(tables.stream().map(Table::report).toList());
    }
}
