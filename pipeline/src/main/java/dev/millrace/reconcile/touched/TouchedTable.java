package dev.millrace.reconcile.touched;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.SourceSnapshot;
import dev.millrace.digest.TableSnapshot;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.digest.TargetSnapshot.WrittenRows;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ShownValues;
import dev.millrace.reconcile.Suspect;
import dev.millrace.reconcile.TableReportBuilder;
import dev.millrace.sql.Relation;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One table of a comparison of touched keys: the keys that changed, and what became of them. Not
/// thread-safe; confined to the comparison's thread.
final class TouchedTable {

    static final String TOUCHED = "touched keys since ";

    /// Keys of one statement. A side whose key has no index is scanned once per statement.
    private static final int BATCH = 20_000;

    private final Mapping mapping;
    private final Relation source;
    private final long most;
    private final TableReportBuilder builder;

    /// Keys as the mapping gives them.
    private final Set<RowKey> mapped = new LinkedHashSet<>();

    /// Keys as the target's columns print them.
    private final Set<RowKey> keys = new LinkedHashSet<>();

    /// Rows of the target that its scan found.
    private final Map<RowKey, RowSum> scanned = new HashMap<>();

    private final List<Suspect> suspects = new ArrayList<>();
    private @Nullable ComparedTable compared;
    private @Nullable String obstacle;
    private @Nullable TableReport ofAllRows;
    private @Nullable Counts counts;

    /// The rows of keys that were not touched.
    private @Nullable Counts others;

    private boolean undecided;

    /// The number of rows that the SELECT gives, and of rows in the target table.
    ///
    /// @param proven whether no row was left out or counted because a change was in flight
    record Counts(long source, long target, boolean proven) {

        boolean differ() {
            return source != target;
        }
    }

    /// @param most keys that are kept in memory
    TouchedTable(Mapping mapping, Relation source, ShownValues shown, long most) {
        this.mapping = mapping;
        this.source = source;
        this.most = most;
        this.builder = new TableReportBuilder(mapping.target(), shown);
        builder.rows(RowSum.NONE, RowSum.NONE);
    }

    Mapping mapping() {
        return mapping;
    }

    Relation source() {
        return source;
    }

    TableReportBuilder builder() {
        return builder;
    }

    ComparedTable compared() {
        if (compared == null) {
            throw new IllegalStateException(mapping.target().table() + " was not opened.");
        }
        return compared;
    }

    void open(ComparedTable table) {
        compared = table;
    }

    /// The keys that changed are not all known.
    void obstruct(String why) {
        if (obstacle == null) {
            obstacle = why;
        }
        mapped.clear();
        keys.clear();
        scanned.clear();
        counts = null;
        others = null;
    }

    Optional<String> obstacle() {
        return Optional.ofNullable(obstacle);
    }

    void undecided(String why) {
        undecided = true;
        builder.undecided(0, why);
    }

    /// False when the table was decided, or its touched keys cannot be compared.
    boolean isOpen() {
        return obstacle == null && !undecided;
    }

    /// One row more than are kept, to see that there are more.
    long mostRead() {
        return most + 1;
    }

    void addSourceRows(List<Row> rows) {
        rows.forEach(row -> addMapped(mapping.mapper().key(row).key()));
    }

    void addMapped(RowKey key) {
        if (obstacle == null) {
            mapped.add(key);
            checkSize();
        }
    }

    void addTargetKeys(List<RowKey> found) {
        if (obstacle == null) {
            keys.addAll(found);
            checkSize();
        }
    }

    /// @param found in the snapshot in which the touched keys are compared
    void addTargetRows(WrittenRows found) {
        addTargetKeys(found.written().keys());
        if (obstacle == null) {
            scanned.putAll(found.sums());
        }
    }

    private void checkSize() {
        if (mapped.size() + keys.size() > most) {
            obstruct(
                    String.format(
                            Locale.ROOT,
                            "more than %,d keys changed since the last comparison",
                            most));
        }
    }

    /// Converts the keys of the mapping to keys of the target.
    void canonicalize(TargetSnapshot target) {
        for (List<RowKey> batch : batches(List.copyOf(mapped))) {
            keys.addAll(target.canonical(batch).values());
        }
        mapped.clear();
    }

    /// The row sums of all touched keys.
    Map<RowKey, RowSum> sums(SourceSnapshot source) {
        return sums(source, List.copyOf(keys));
    }

    /// The same on the target. Rows that the scan found are not read again.
    Map<RowKey, RowSum> sums(TargetSnapshot target) {
        Map<RowKey, RowSum> sums =
                sums(target, keys.stream().filter(key -> !scanned.containsKey(key)).toList());
        sums.putAll(scanned);
        return sums;
    }

    private static Map<RowKey, RowSum> sums(TableSnapshot side, List<RowKey> keys) {
        Map<RowKey, RowSum> sums = new HashMap<>();
        batches(keys).forEach(batch -> sums.putAll(side.sums(Chunk.Keys.of(batch))));
        return sums;
    }

    private static List<List<RowKey>> batches(List<RowKey> all) {
        List<List<RowKey>> batches = new ArrayList<>();
        for (int from = 0; from < all.size(); from += BATCH) {
            batches.add(all.subList(from, Math.min(all.size(), from + BATCH)));
        }
        return batches;
    }

    void compare(Map<RowKey, RowSum> ofSource, Map<RowKey, RowSum> ofTarget) {
        for (RowKey key : keys) {
            Suspect suspect = Suspect.of(key, ofSource, ofTarget);
            if (suspect.isEqual()) {
                builder.rows(suspect.source(), suspect.target());
            } else {
                suspects.add(suspect);
            }
        }
    }

    List<Suspect> suspects() {
        return suspects;
    }

    void count(Counts found) {
        counts = found;
    }

    /// Counts the rows of keys that were not touched, which no change in flight can be about.
    ///
    /// @param all rows in the snapshots in which the touched keys were compared
    void countOthers(Counts all, Map<RowKey, RowSum> ofSource, Map<RowKey, RowSum> ofTarget) {
        others = new Counts(all.source() - rows(ofSource), all.target() - rows(ofTarget), true);
    }

    private static long rows(Map<RowKey, RowSum> sums) {
        return sums.values().stream().mapToLong(RowSum::rows).sum();
    }

    /// Whether rows were deleted without a trace.
    boolean othersDiffer() {
        return others != null && others.differ();
    }

    /// The touched keys count as they were compared last.
    private Optional<Counts> allRows() {
        TableReport touched = builder.report();
        @Nullable Long ofSource = touched.sourceRows();
        @Nullable Long ofTarget = touched.targetRows();
        return others == null || ofSource == null || ofTarget == null
                ? Optional.ofNullable(counts)
                : Optional.of(
                        new Counts(others.source() + ofSource, others.target() + ofTarget, true));
    }

    Optional<Counts> counts() {
        return Optional.ofNullable(counts);
    }

    void allRows(TableReport report) {
        ofAllRows = report;
    }

    /// The result while both sides are written. The numbers of rows are equal, or they were not
    /// counted, or a key is different or undecided.
    TouchedReport.Table report(Instant since) {
        return ofAllRows != null
                ? new TouchedReport.Table(
                        ofAllRows, "all rows, because " + obstacle().orElse("requested"), 0)
                : new TouchedReport.Table(
                        counted(builder.report(), allRows().orElse(null)),
                        method(since),
                        keys.size());
    }

    /// The result under the fence: also the counts must be equal.
    TouchedReport.Table fencedReport(Instant since) {
        if (obstacle != null) {
            undecided(
                    "the keys that changed are not known, because "
                            + obstacle
                            + ". Compare again before the switchover");
        } else if (!undecided && (counts == null || counts.differ() && !counts.proven())) {
            undecided("the rows were not counted");
        }
        return new TouchedReport.Table(
                counted(builder.report(), counts), method(since), keys.size());
    }

    private static String method(Instant since) {
        return TOUCHED + since;
    }

    private static TableReport counted(TableReport keys, @Nullable Counts counts) {
        boolean byCount =
                keys.verdict() == Verdict.EQUAL
                        && counts != null
                        && counts.differ()
                        && counts.proven();
        long more = byCount && counts != null ? counts.source() - counts.target() : 0;
        return new TableReport(
                keys.target(),
                byCount ? Verdict.DIFFERENT : keys.verdict(),
                counts == null ? null : counts.source(),
                counts == null ? null : counts.target(),
                null,
                null,
                keys.missing() + Math.max(0, more),
                keys.extra() + Math.max(0, -more),
                keys.different(),
                keys.inFlight(),
                keys.fromLog(),
                keys.undecided(),
                keys.seconds(),
                keys.mismatches(),
                byCount
                        ? "the numbers of rows differ, and the keys that changed are equal, so other"
                                + " rows were deleted on one side. Run millrace reconcile to find"
                                + " their keys"
                        : keys.cause(),
                keys.complete() && !byCount,
                List.of(),
                keys.method(),
                keys.sensitive());
    }
}
