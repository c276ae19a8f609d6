package dev.millrace.repair;

import dev.millrace.backfill.Rereading.Waiting;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.control.repair.RepairStore.StoredKey;
import dev.millrace.control.repair.RepairStore.StoredRepair;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.repair.Repair.Action;
import dev.millrace.repair.Repair.Step;
import dev.millrace.replication.LiveStream;
import dev.millrace.sql.Relation;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Performs the steps of repairs beside one running stream. What a step has done is stored, so a
/// step that a kill interrupts is continued or performed again. Confined to its supervisor's
/// thread, except [#cancel] and [#stop].
///
/// **Why no newer value is overwritten.** The work never writes to the target. It reads the rows of
/// the keys on the source in a window, and the window writes them to the log, where the changes of
/// the stream are: a key that changed since the window was opened is completed or left out there.
/// So apply gets one order of all rows of a key.
final class RepairWork implements Component {

    private static final Duration INTERVAL = Duration.ofMillis(100);

    /// Keys of one window.
    private static final int READ_TOGETHER = 500;

    /// Keys that are compared with the same watermarks.
    private static final int COMPARED_TOGETHER = 2_000;

    /// Further keys are only counted.
    private static final int MOST_KEYS = 100_000;

    private final LiveStream live;
    private final Repairs repairs;
    private volatile @Nullable RepairComparison comparing;

    /// When the next keys may be read.
    private Instant notBefore = Instant.MIN;

    /// @param live the stream whose log the rows go to
    RepairWork(LiveStream live, Repairs repairs) {
        this.live = live;
        this.repairs = repairs;
    }

    @Override
    public void run(Supervisor supervisor) throws SQLException, InterruptedException {
        repairs.reload();
        supervisor.running(ComponentState.Activity.BACKFILLING);
        do {
            Optional<StoredRepair> now = repairs.current();
            while (now.isPresent() && isDone(now.get(), supervisor)) {
                supervisor.progressed();
                now = repairs.current();
            }
        } while (supervisor.pause(INTERVAL));
    }

    /// @return false if the step is not done yet, and this is to be called again later
    private boolean isDone(StoredRepair now, Supervisor supervisor)
            throws SQLException, InterruptedException {
        Optional<String> end = repairs.mustEnd(now);
        if (end.isPresent()) {
            repairs.ended(now, end.get());
            return true;
        }
        if (!repairs.mayWork()) {
            return false;
        }
        return switch (Step.of(now.step())) {
            case COMPARE -> isDoneAlone(() -> isCompared(now));
            case WRITE -> isWritten(now, supervisor);
            case VERIFY -> isDoneAlone(() -> isVerified(now));
            case DONE -> throw new IllegalStateException("The operation has ended: " + now.id());
        };
    }

    private interface Comparison {
        boolean isDone() throws SQLException;
    }

    /// One comparison of the process at a time has its rows in memory.
    private boolean isDoneAlone(Comparison comparison) throws SQLException {
        Lock alone = repairs.comparing();
        boolean isAlone = alone.tryLock();
        repairs.waitsFor(isAlone ? Optional.empty() : Optional.of("a reconciliation"));
        if (!isAlone) {
            return false;
        }
        try {
            return comparison.isDone();
        } finally {
            comparing = null;
            alone.unlock();
        }
    }

    private RepairComparison begin(StoredRepair now) {
        RepairComparison begun = repairs.comparison(live);
        comparing = begun;
        // The request may have come before there was something to cancel.
        if (repairs.isCancelled(now)) {
            begun.cancel();
        }
        return begun;
    }

    private boolean isCompared(StoredRepair now) throws SQLException {
        RepairComparison comparison = begin(now);
        Map<Mapping, List<StoredKey>> found = new HashMap<>();
        AtomicLong room = new AtomicLong(MOST_KEYS);
        AtomicLong others = new AtomicLong();
        ReconciliationReport report =
                comparison.find(
                        repairs.mappings(now.asked().targets()),
                        mapping -> {
                            List<StoredKey> keys = new ArrayList<>();
                            found.put(mapping, keys);
                            return (key, kind, columns) -> {
                                Action action = Action.of(kind);
                                if (isWanted(now, action) && room.getAndDecrement() > 0) {
                                    keys.add(key(keys.size() + 1L, mapping, action, key, columns));
                                } else {
                                    others.incrementAndGet();
                                }
                            };
                        });
        if (comparison.isCancelled()) {
            return false;
        }
        repairs.compared(now, ordered(found), others.get(), uncompared(report));
        return true;
    }

    private static boolean isWanted(StoredRepair now, Action action) {
        List<String> only = now.asked().only();
        return only.isEmpty() || only.contains(action.id());
    }

    private StoredKey key(
            long number, Mapping mapping, Action action, RowKey key, List<String> columns) {
        return new StoredKey(
                number,
                repairs.number(mapping),
                mapping.target().table().whole().toString(),
                action.id(),
                mapping.target().keyColumns(),
                key.values(),
                columns,
                false,
                false);
    }

    /// Those of one mapping together, so that they share windows.
    private static List<StoredKey> ordered(Map<Mapping, List<StoredKey>> found) {
        return found.values().stream()
                .flatMap(List::stream)
                .sorted(
                        Comparator.comparingInt(StoredKey::mapping)
                                .thenComparing(key -> Action.of(key.action()).orElseThrow())
                                .thenComparingLong(StoredKey::number))
                .toList();
    }

    /// What differs there is not known, or not wholly.
    private static String uncompared(ReconciliationReport report) {
        return report.tables().stream()
                .filter(table -> table.cause() != null || !table.complete())
                .map(
                        table ->
                                table.target()
                                        + ": "
                                        + (table.cause() == null
                                                ? "more rows differ than are found at a time"
                                                : table.cause()))
                .collect(Collectors.joining("; "));
    }

    private boolean isWritten(StoredRepair now, Supervisor supervisor)
            throws SQLException, InterruptedException {
        Waiting waiting = delay -> !repairs.isCancelled(now) && supervisor.pause(delay);
        if (!isStarted(now, waiting)) {
            return false;
        }
        int most = (int) Math.min(READ_TOGETHER, now.asked().rowsPerSecond().orElse(READ_TOGETHER));
        long after = 0;
        while (true) {
            List<StoredKey> keys = ofOneMapping(repairs.store().unwritten(now.id(), after, most));
            if (keys.isEmpty()) {
                repairs.enter(now, Step.VERIFY);
                return true;
            }
            if (!awaitTurn(waiting) || !repairs.mayWork() || live.with().pace().isPaused()) {
                return false;
            }
            Mapping mapping = repairs.mapping(keys.getFirst());
            OptionalLong unreadable =
                    live.stream()
                            .rereading()
                            .reread(mapping, source(mapping), rowKeys(mapping, keys), waiting);
            if (unreadable.isEmpty()) {
                return false;
            }
            after = keys.getLast().number();
            repairs.store()
                    .written(now.id(), keys.getFirst().number(), after, unreadable.getAsLong());
            supervisor.progressed();
            throttle(now, keys.size());
        }
    }

    /// The engine's snapshot does not wait for transactions that the stream may lack.
    private boolean isStarted(StoredRepair now, Waiting waiting)
            throws SQLException, InterruptedException {
        List<TableId> sources =
                repairs.mappings(now.asked().targets()).stream()
                        .map(Mapping::source)
                        .distinct()
                        .sorted()
                        .toList();
        return switch (live.with().stream().settings().backfill()) {
            case WINDOWS -> true;
            case ENGINE ->
                    live.stream().rereading().awaitStart(sources, waiting, repairs::waitsFor);
        };
    }

    /// @return false when the step must stop
    private boolean awaitTurn(Waiting waiting) throws InterruptedException {
        Duration left = Duration.between(repairs.clock().instant(), notBefore);
        while (left.isPositive()) {
            if (!waiting.await(left.compareTo(INTERVAL) < 0 ? left : INTERVAL)) {
                return false;
            }
            left = Duration.between(repairs.clock().instant(), notBefore);
        }
        return true;
    }

    private void throttle(StoredRepair now, long rows) {
        OptionalLong rate = now.asked().rowsPerSecond();
        if (rate.isPresent()) {
            notBefore =
                    repairs.clock()
                            .instant()
                            .plus(Duration.ofNanos(1_000_000_000L * rows / rate.getAsLong()));
        }
    }

    private Relation source(Mapping mapping) {
        return live.with().stream().tables().sources().stream()
                .filter(relation -> relation.id().equals(mapping.source()))
                .findFirst()
                .orElseThrow();
    }

    private static List<StoredKey> ofOneMapping(List<StoredKey> keys) {
        return keys.stream().takeWhile(key -> key.mapping() == keys.getFirst().mapping()).toList();
    }

    private static List<RowKey> rowKeys(Mapping mapping, List<StoredKey> keys) {
        return keys.stream().map(key -> rowKey(mapping, key)).toList();
    }

    private static RowKey rowKey(Mapping mapping, StoredKey key) {
        return RowKey.of(mapping.target().table(), key.key().toArray(String[]::new));
    }

    private boolean isVerified(StoredRepair now) throws SQLException {
        RepairComparison comparison = begin(now);
        long undecided = 0;
        long after = 0;
        while (true) {
            List<StoredKey> keys =
                    ofOneMapping(repairs.store().keys(now.id(), after, COMPARED_TOGETHER));
            if (keys.isEmpty()) {
                break;
            }
            Mapping mapping = repairs.mapping(keys.getFirst());
            List<RowKey> asked = rowKeys(mapping, keys);
            Set<RowKey> differing = new HashSet<>();
            TableReport report =
                    comparison.compare(mapping, asked, (key, _, _) -> differing.add(key));
            if (comparison.isCancelled()) {
                return false;
            }
            undecided +=
                    report.verdict() == Verdict.UNDECIDED
                            ? Math.max(1, report.undecided())
                            : report.undecided();
            after = keys.getLast().number();
            repairs.store()
                    .compared(
                            now.id(),
                            keys.getFirst().number(),
                            after,
                            keys.stream()
                                    .filter(key -> differing.contains(rowKey(mapping, key)))
                                    .map(StoredKey::number)
                                    .toList());
        }
        repairs.verified(now, undecided);
        return true;
    }

    /// Ends a comparison, because an operator has cancelled the repair.
    void cancel() {
        RepairComparison running = comparing;
        if (running != null) {
            running.cancel();
        }
    }

    @Override
    public void stop(Thread thread) {
        RepairComparison running = comparing;
        if (running != null) {
            running.abort();
        }
        thread.interrupt();
    }
}
