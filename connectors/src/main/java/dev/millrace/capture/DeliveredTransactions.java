package dev.millrace.capture;

import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.postgres.RunningTransactions;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The transactions in the log that may not be visible to other sessions of the source yet: a
/// commit is in the WAL, and so in the stream, before it is visible. A reader that compares rows of
/// the source with the log needs them. An id is removed as soon as a snapshot of the source shows
/// the transaction as finished, so only a few are kept however long the process runs. Thread-safe.
public final class DeliveredTransactions {

    /// Ids without epoch, as in the stream.
    private final Set<Long> hidden = new HashSet<>();

    /// The latest known snapshot of the source; `null` until the log's position was read.
    private @Nullable RunningTransactions latest;

    /// The transactions that were in the log at the time of the call and may be invisible to a
    /// snapshot taken *afterwards*. The order matters: an id that was removed before the call was
    /// visible to an older snapshot, so it is visible to a later one too.
    ///
    /// @return tests an id with epoch; true for every id until the log's position was read
    public synchronized LongPredicate asOfNow() {
        if (latest == null) {
            return _ -> true;
        }
        Set<Long> copy = Set.copyOf(hidden);
        return transaction -> copy.contains(Origin.streamed(transaction));
    }

    /// Like [#asOfNow], for whole snapshots: whether a snapshot hides one of these transactions,
    /// including those above its highest id.
    public synchronized Predicate<RunningTransactions> hiddenAsOfNow() {
        if (latest == null) {
            return _ -> true;
        }
        Set<Long> copy = Set.copyOf(hidden);
        return snapshot -> copy.stream().anyMatch(snapshot::hidesStreamed);
    }

    /// Takes over what earlier processes delivered, after none of them can write any more.
    ///
    /// @param now a snapshot of the source taken after that
    /// @param logged their ids from the log's position; `null` if the position does not contain
    ///   them, in which case every running transaction may be one
    synchronized void begin(RunningTransactions now, @Nullable Set<Long> logged) {
        hidden.addAll(
                logged != null
                        ? logged
                        : now.ids().stream().map(Origin::streamed).collect(Collectors.toSet()));
        latest = now;
        forget(now);
    }

    /// Must be called before the transaction is committed to the log.
    synchronized void add(long transaction) {
        if (latest == null || latest.hidesStreamed(transaction)) {
            hidden.add(transaction);
        }
    }

    synchronized void learn(RunningTransactions snapshot) {
        if (latest != null && snapshot.next() >= latest.next()) {
            latest = snapshot;
            forget(snapshot);
        }
    }

    private void forget(RunningTransactions snapshot) {
        hidden.removeIf(transaction -> !snapshot.hidesStreamed(transaction));
    }

    /// The transactions that may not be visible yet, without epochs.
    synchronized Set<Long> remaining() {
        return Set.copyOf(hidden);
    }
}
