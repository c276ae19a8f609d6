package dev.millrace.backfill;

import dev.millrace.backfill.TableWork.Step;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.sql.Relation;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Distributes what is left to read among the readers of one run. Keys that the log waits for come
/// first, then the tables in order. Thread-safe.
final class Work {

    /// A statement contains the keys as text.
    private static final int KEYS_PER_WINDOW = 500;

    /// @param readers number of readers
    /// @param rangeBytes memory of the rows of one range, approximately
    record Size(int readers, long rangeBytes) {}

    private final List<TableWork> tables;
    private final Size size;
    private final Pace pace;
    private final CaptureAccess capture;
    private final long beginnings;
    private final Set<TableId> readingKeys = new HashSet<>();

    Work(List<Relation> tables, Size size, Pace pace, CaptureAccess capture) {
        BackfillState state = capture.state();
        // Before everything else that is taken from the state.
        this.beginnings = state.beginnings();
        this.tables =
                tables.stream()
                        .map(each -> new TableWork(each, state.isComplete(each.id())))
                        .toList();
        this.size = size;
        this.pace = pace;
        this.capture = capture;
    }

    /// The next step; empty when there is none now, or none may be done now.
    synchronized Optional<Step> poll() {
        if (!pace.mayRead()) {
            return Optional.empty();
        }
        long rows = pace.rowsPerRead(size.readers());
        BackfillState state = capture.state();
        List<TableWork> readable =
                tables.stream().filter(each -> capture.mayRead(each.id())).toList();
        for (TableWork table : readable) {
            int limit = (int) Math.min(KEYS_PER_WINDOW, rows);
            List<RowKey> keys = state.needs(table.id(), limit);
            if (!keys.isEmpty() && readingKeys.add(table.id())) {
                return Optional.of(new Step.ReadKeys(table, keys));
            }
        }
        for (TableWork table : readable) {
            if (table.mustLook()) {
                return table.next(size.rangeBytes(), rows);
            }
        }
        for (TableWork table : readable) {
            Optional<Step> step = table.next(size.rangeBytes(), rows);
            if (step.isPresent()) {
                return step;
            }
        }
        return Optional.empty();
    }

    /// [BackfillState#beginnings] of the state from which this work was planned.
    long beginnings() {
        return beginnings;
    }

    /// Whether no table began again since. Otherwise the work must be planned again.
    boolean isCurrent() {
        return beginnings == capture.state().beginnings();
    }

    long bytesPerRead() {
        return Math.min(size.rangeBytes(), pace.bytesPerRead(size.readers()));
    }

    int readers() {
        return size.readers();
    }

    long rowsPerRead() {
        return pace.rowsPerRead(size.readers());
    }

    synchronized void await(Duration atMost) throws InterruptedException {
        wait(atMost.toMillis());
    }

    synchronized void keysRead(TableId table) {
        readingKeys.remove(table);
        notifyAll();
    }

    /// Changes a table's work under the lock.
    synchronized void update(TableWork table, Consumer<TableWork> change) {
        change.accept(table);
        notifyAll();
    }

    synchronized long estimatedRows(TableId table) {
        return tables.stream()
                .filter(each -> each.id().equals(table))
                .mapToLong(TableWork::estimatedRows)
                .sum();
    }
}
