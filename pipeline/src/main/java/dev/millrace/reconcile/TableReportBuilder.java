package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.control.ParkedKeys.State;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Builds the report of one table. Every compared row is counted once on the side where it was
/// read. Not thread-safe; confined to the reconciliation's thread.
public final class TableReportBuilder {

    private static final String SKIPPED = "skipped";

    /// The values of a table in a report have at most so many characters. Further mismatches have
    /// none.
    private static final int MOST_CHARACTERS = 1_000_000;

    private static final String PARKED =
            "the changes of a key wait because the target refused one of them. See 'millrace"
                    + " rejected list'";

    private final RowSchema target;
    private final ShownValues shown;
    private final Differences differences;
    private final ComparisonProgress progress;
    private final List<Mismatch> mismatches = new ArrayList<>();

    /// The keys of the mismatches.
    private final List<RowKey> listed = new ArrayList<>();

    private final TreeMap<Integer, ChunkReport> chunks = new TreeMap<>();
    private Map<RowKey, State> rejected = Map.of();
    private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
    private RowSum source = RowSum.NONE;
    private RowSum targetRows = RowSum.NONE;
    private boolean counted;
    private long inFlight;
    private long fromLog;
    private long undecided;
    private @Nullable String cause;
    private boolean mayPass;
    private long notCompared;
    private boolean finished;
    private boolean partial;
    private boolean complete = true;
    private Duration took = Duration.ZERO;
    private long characters;

    /// Receives each key that is proven different, also those that the report only counts. Called
    /// on the thread that compares the table.
    @FunctionalInterface
    public interface Differences {

        Differences IGNORED = (_, _, _) -> {};

        /// @param columns that differ, as far as they were compared
        void found(RowKey key, Kind kind, List<String> columns);
    }

    public TableReportBuilder(RowSchema target, ShownValues shown) {
        this(target, shown, Differences.IGNORED);
    }

    public TableReportBuilder(RowSchema target, ShownValues shown, Differences differences) {
        this(target, shown, differences, new ComparisonProgress());
    }

    public TableReportBuilder(
            RowSchema target,
            ShownValues shown,
            Differences differences,
            ComparisonProgress progress) {
        this.target = target;
        this.shown = shown;
        this.differences = differences;
        this.progress = progress;
    }

    /// An empty one for the same table, which reports no difference to others.
    public TableReportBuilder another() {
        return new TableReportBuilder(target, shown);
    }

    /// Adds rows as they were compared, or as they were read last.
    public void rows(RowSum ofSource, RowSum ofTarget) {
        counted = true;
        progress.rows(Math.max(ofSource.rows(), ofTarget.rows()));
        source = source.plus(ofSource);
        targetRows = targetRows.plus(ofTarget);
    }

    /// Adds a row of the target that equals the row that the log gives at the target's position.
    /// The source's row of that moment was not read.
    public void fromLog(RowSum ofTarget) {
        fromLog++;
        rows(ofTarget, ofTarget);
    }

    /// @param keys that were set aside, in the snapshot in which the next keys are compared
    public void rejected(Map<RowKey, State> keys) {
        rejected = Map.copyOf(keys);
    }

    /// Whether changes of the key wait, so that nothing is known of it before they are applied.
    boolean waits(RowKey key) {
        State state = rejected.get(key);
        return state == State.HELD || state == State.PARKED;
    }

    /// Adds a key that differs. One that waits is undecided.
    public void mismatch(RowKey key, KeyDifference.Found found, String why) {
        mismatch(key, found, why, null, null);
    }

    /// @param expected what the SELECT gives; `null` for no row, or if its cells are not known
    /// @param actual the target's row; `null` for no row, or if its cells are not known
    void mismatch(
            RowKey key,
            KeyDifference.Found found,
            String why,
            @Nullable Row expected,
            @Nullable Row actual) {
        if (waits(key)) {
            undecided(1, PARKED);
            return;
        }
        counts.merge(found.kind(), 1L, Long::sum);
        differences.found(key, found.kind(), found.columns());
        if (canListMore()) {
            Map<String, @Nullable String> columns = new LinkedHashMap<>();
            for (int i = 0; i < key.size(); i++) {
                String column = target.keyColumns().get(i);
                columns.put(column, shown.whole(column, key.value(i)));
            }
            listed.add(key);
            mismatches.add(
                    new Mismatch(
                            columns,
                            found.kind(),
                            found.columns(),
                            rejected.get(key) == State.SKIPPED ? SKIPPED : why,
                            values(found, expected, actual)));
        }
    }

    /// Of a row that only one side has, the columns that are not in the key.
    private List<Cell> values(
            KeyDifference.Found found, @Nullable Row expected, @Nullable Row actual) {
        boolean areKnown =
                switch (found.kind()) {
                    case MISSING -> expected != null;
                    case EXTRA -> actual != null;
                    case DIFFERENT -> expected != null && actual != null;
                };
        if (!areKnown) {
            return List.of();
        }
        List<String> columns =
                found.kind() == Kind.DIFFERENT ? found.columns() : columnsOutsideKey();
        List<Cell> values = new ArrayList<>();
        for (String column : columns) {
            Cell cell = shown.cell(column, text(expected, column), text(actual, column));
            characters += length(cell.source()) + length(cell.target());
            values.add(cell);
        }
        return characters > MOST_CHARACTERS ? List.of() : values;
    }

    private List<String> columnsOutsideKey() {
        List<String> columns = new ArrayList<>(target.columns());
        columns.removeAll(target.keyColumns());
        return columns;
    }

    private static @Nullable String text(@Nullable Row row, String column) {
        return row == null ? null : row.text(row.schema().position(column));
    }

    private static int length(@Nullable String text) {
        return text == null ? 0 : text.length();
    }

    /// The bound of a chunk as the report shows it.
    ///
    /// @param bound `null` for none
    public @Nullable List<String> bound(@Nullable RowKey bound) {
        return bound == null
                ? null
                : IntStream.range(0, bound.size())
                        .mapToObj(
                                i ->
                                        String.valueOf(
                                                shown.whole(
                                                        target.keyColumns().get(i),
                                                        bound.value(i))))
                        .toList();
    }

    /// The listed keys that differ while no change of them is in flight.
    List<RowKey> unexplained() {
        return IntStream.range(0, listed.size())
                .filter(i -> mismatches.get(i).cause().equals(KeyRecheck.NO_CHANGE_IN_FLIGHT))
                .mapToObj(listed::get)
                .toList();
    }

    /// Replaces the cause of a listed key.
    void explain(RowKey key, String why) {
        int at = listed.indexOf(key);
        Mismatch known = mismatches.get(at);
        mismatches.set(
                at, new Mismatch(known.key(), known.kind(), known.columns(), why, known.values()));
    }

    /// False when the list of mismatches is full; further ones are only counted.
    public boolean canListMore() {
        return listable() > 0;
    }

    /// How many further mismatches are listed.
    int listable() {
        return ReconciliationReport.LISTED - mismatches.size();
    }

    public void inFlight(long keys) {
        inFlight += keys;
    }

    public boolean hasInFlight() {
        return inFlight > 0;
    }

    /// @param keys the number of undecided keys; 0 when the table as a whole is undecided
    public void undecided(long keys, String why) {
        undecided += keys;
        if (cause == null) {
            cause = why;
        }
    }

    /// The table is undecided because something could not be read.
    public void failed(RuntimeException failure, String why) {
        undecided(0, why);
        if (passes(failure)) {
            passing();
        }
    }

    /// Whether a failure passes by itself, such as a lost connection.
    public static boolean passes(RuntimeException failure) {
        return FailureClassifier.of(failure) instanceof Failure.Retry;
    }

    /// The reason why the table is undecided passes by itself.
    public void passing() {
        mayPass = true;
    }

    /// Whether a later comparison may decide what this one did not, without any action of an
    /// operator.
    public boolean mayPass() {
        return mayPass;
    }

    /// Adds rows of differing buckets that are too many to be compared one by one.
    public void notCompared(long rows) {
        notCompared += rows;
    }

    /// Some rows were not compared, because enough others differ: the numbers are lower bounds, and
    /// the sums are not known.
    public void partial() {
        partial = true;
    }

    /// @param number in the order of the key
    public void chunk(int number, ChunkReport equal) {
        chunks.put(number, equal);
    }

    /// The sum of the source's rows so far.
    public RowSum sourceRows() {
        return source;
    }

    public long differences() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    public long undecidedKeys() {
        return undecided;
    }

    /// False when a key or the table is undecided.
    public boolean isDecided() {
        return cause == null;
    }

    /// Marks the table as finished; a later cancellation does not change its verdict.
    public void finished() {
        if (!finished) {
            progress.tableDone();
        }
        finished = true;
    }

    /// Makes an unfinished table undecided.
    public void cancelled() {
        if (!finished) {
            forgetRows();
            undecided(0, ReconciliationReport.CANCELLED);
            complete = false;
        }
    }

    public void took(Duration time) {
        took = took.plus(time);
    }

    /// Discards the sums: they do not cover all rows.
    public void forgetRows() {
        counted = false;
    }

    public TableReport report() {
        boolean known = counted && !partial;
        return new TableReport(
                target.table().toString(),
                verdict(),
                known ? source.rows() : null,
                known ? targetRows.rows() : null,
                known ? source.checksum() : null,
                known ? targetRows.checksum() : null,
                counts.getOrDefault(Kind.MISSING, 0L),
                counts.getOrDefault(Kind.EXTRA, 0L),
                counts.getOrDefault(Kind.DIFFERENT, 0L),
                inFlight,
                fromLog,
                undecided,
                took.toMillis() / 1000.0,
                mismatches,
                cause(),
                complete && !partial && notCompared == 0,
                List.copyOf(chunks.values()),
                TableReport.ALL_ROWS,
                shown.hashed());
    }

    private Verdict verdict() {
        if (!counts.isEmpty()) {
            return Verdict.DIFFERENT;
        }
        boolean equal =
                cause == null
                        && notCompared == 0
                        && counted
                        && !partial
                        && source.equals(targetRows);
        return equal ? Verdict.EQUAL : Verdict.UNDECIDED;
    }

    private @Nullable String cause() {
        return cause == null && notCompared > 0 && counts.isEmpty()
                ? String.format(
                        Locale.ROOT,
                        "%,d rows that differed or were in flight were not compared one by one."
                                + " Reconcile again while fewer rows are written",
                        notCompared)
                : cause;
    }
}
