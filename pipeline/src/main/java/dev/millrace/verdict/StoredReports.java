package dev.millrace.verdict;

import dev.millrace.control.ReconciliationStore;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.SqlState;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReportJson;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.verdict.Reconciliations.Last;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The finished reports of one stream: all of them in the control schema, and in memory those of
/// the present generation that the status shows. Thread-safe.
final class StoredReports {

    private static final Logger LOG = LoggerFactory.getLogger(StoredReports.class);

    private final ReplicationStream stream;
    private final ReconciliationStore store;
    private volatile Known known = new Known(0, null, null, null, null, null);
    private volatile boolean closed;

    StoredReports(ReplicationStream stream) {
        this.stream = stream;
        this.store = new ReconciliationStore(stream.control(), stream.id());
    }

    /// The reports of a generation that the status shows.
    ///
    /// @param last the last report of all tables, or a later one that found differences
    /// @param all the last report of all tables
    /// @param basis the last report of all tables that says where it began
    /// @param allRowsAt when the last one of all rows of all tables began
    /// @param equalAt when the last one began that found all tables equal, also of an earlier
    ///   generation
    private record Known(
            int generation,
            @Nullable ReconciliationReport last,
            @Nullable ReconciliationReport all,
            @Nullable ReconciliationReport basis,
            @Nullable Instant allRowsAt,
            @Nullable Instant equalAt) {

        Known withDifferences(ReconciliationReport report) {
            return report.hasDifferences()
                    ? new Known(generation, report, all, basis, allRowsAt, equalAt)
                    : this;
        }

        /// @param report of all tables
        Known withAll(ReconciliationReport report, Method method) {
            // An earlier read does not refute a later difference.
            boolean later =
                    last != null
                            && last.hasDifferences()
                            && last.finishedAt().isAfter(report.startedAt());
            return new Known(
                    generation,
                    later ? last : report,
                    report,
                    report.start() == null ? basis : report,
                    method == Method.ALL_ROWS ? report.startedAt() : allRowsAt,
                    report.verdict() == Verdict.EQUAL ? report.startedAt() : equalAt);
        }
    }

    /// Reads the stored reports of a generation. Reports of an earlier generation no longer count.
    /// A report that cannot be read is not known.
    synchronized void begin(int generation) {
        Instant equalBefore = known.equalAt();
        known = new Known(generation, null, null, null, null, equalBefore);
        ReconciliationReport ofAllRows = stored(() -> store.latestOfAllRows(generation, targets()));
        ReconciliationReport ofAll = stored(() -> store.latestOfAll(generation, targets()));
        known =
                new Known(
                        generation,
                        stored(() -> store.latest(generation, targets())),
                        ofAll,
                        ofAll,
                        ofAllRows == null ? null : ofAllRows.startedAt(),
                        ofAll != null && ofAll.verdict() == Verdict.EQUAL
                                ? ofAll.startedAt()
                                : equalBefore);
    }

    private interface Query {
        Optional<ReconciliationStore.Stored> run() throws SQLException;
    }

    private @Nullable ReconciliationReport stored(Query query) {
        try {
            return query.run().flatMap(this::parse).orElse(null);
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("reason", Reason.of(e))
                    .log("The last verdict could not be read. Run 'millrace reconcile' again.");
            return null;
        }
    }

    private Optional<ReconciliationReport> parse(ReconciliationStore.Stored stored) {
        Optional<ReconciliationReport> report = ReportJson.read(stored.json());
        if (report.isEmpty()) {
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("reconciliation", stored.id())
                    .log(
                            "This version of Millrace cannot read a stored report. The report is ignored.");
        }
        return report;
    }

    /// The present generation; 0 before the first one.
    int generation() {
        return known.generation();
    }

    Optional<ReconciliationState> find(UUID id) {
        try {
            return store.find(id).map(this::finished);
        } catch (SQLException e) {
            if (known.generation() == 0 && SqlState.UNDEFINED_TABLE.matches(e)) {
                // The stream was never armed, so its database has no control schema.
                return Optional.empty();
            }
            throw new DatabaseFailure("The report cannot be read", e);
        }
    }

    private ReconciliationState finished(ReconciliationStore.Stored stored) {
        return parse(stored)
                .<ReconciliationState>map(ReconciliationState.Finished::new)
                .orElseGet(
                        () ->
                                new ReconciliationState.Failed(
                                        "This version of Millrace cannot read the stored report. Run the reconciliation again."));
    }

    /// The last stored ones of every generation.
    List<PastVerdict> recent() {
        try {
            return store.recent(PastVerdict.LISTED).stream()
                    .map(
                            each ->
                                    new PastVerdict(
                                            each.id(),
                                            each.verdict(),
                                            each.startedAt(),
                                            each.finishedAt()))
                    .toList();
        } catch (SQLException e) {
            if (!SqlState.UNDEFINED_TABLE.matches(e)) {
                throw new DatabaseFailure("The reports cannot be read", e);
            }
            return List.of();
        }
    }

    /// The last report of all tables, or a later one that found differences.
    Optional<ReconciliationReport> lastReport() {
        return Optional.ofNullable(known.last());
    }

    Optional<Last> last() {
        Known now = known;
        return Optional.ofNullable(now.last())
                .map(
                        report ->
                                new Last(
                                        report.verdict().word(),
                                        report.finishedAt(),
                                        now.all() == null ? null : now.all().finishedAt()));
    }

    /// When the last one of all tables began; empty before the first one.
    ///
    /// @param method one of all rows is one of touched keys too
    Optional<Instant> lastBegan(Method method) {
        Known now = known;
        return switch (method) {
            case ALL_ROWS -> Optional.ofNullable(now.allRowsAt());
            case TOUCHED_KEYS ->
                    Optional.ofNullable(now.all()).map(ReconciliationReport::startedAt);
        };
    }

    /// When the last one began that found all tables equal, also of an earlier generation; empty
    /// before the first one.
    Optional<Instant> lastEqualBegan() {
        return Optional.ofNullable(known.equalAt());
    }

    TouchedBasis basis(String specHash) {
        return TouchedBasis.of(known.basis(), specHash);
    }

    /// Whether a report covers all tables. A cancelled reconciliation does not.
    private boolean isOfAll(ReconciliationReport report) {
        return report.reason() == null
                && report.tables().stream()
                        .map(ReconciliationReport.TableReport::target)
                        .collect(Collectors.toSet())
                        .containsAll(targets());
    }

    private List<String> targets() {
        return names(stream.tables().compared());
    }

    static List<String> names(List<Mapping> mappings) {
        return mappings.stream().map(StoredReports::name).distinct().toList();
    }

    static String name(Mapping mapping) {
        return mapping.target().table().toString();
    }

    /// Shows the report of a reconciliation, if it counts.
    void finished(int generation, ReconciliationReport report, Method method) {
        if (isOfAll(report)) {
            remember(generation, now -> now.withAll(report, method));
        } else {
            foundDifferences(generation, report);
        }
    }

    /// Shows the report of some keys, if they differ.
    void foundDifferences(int generation, ReconciliationReport report) {
        remember(generation, now -> now.withDifferences(report));
    }

    private synchronized void remember(int generation, UnaryOperator<Known> change) {
        if (known.generation() == generation && !closed) {
            known = change.apply(known);
        }
    }

    /// @return false if the report could not be stored: it is available until this process ends
    boolean save(UUID id, int generation, ReconciliationReport report) {
        if (closed) {
            return false;
        }
        try {
            store.save(
                    new ReconciliationStore.Stored(
                            id,
                            generation,
                            report.verdict().word(),
                            report.startedAt(),
                            report.finishedAt(),
                            ReportJson.write(report)));
            return true;
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("sqlstate", e.getSQLState())
                    .log(
                            "A report could not be written to the target. It is available until this process ends. Check the target, then run 'millrace reconcile' again.");
            return false;
        }
    }

    /// Nothing is stored or shown afterwards.
    void close() {
        closed = true;
    }
}
