package dev.millrace.capture;

import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.postgres.RunningTransactions;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The transactions that are in the log and that the source may not show to other sessions yet: a
/// commit is in the WAL, and so in the stream, before it is visible. A reader that compares what it
/// reads on the source with the log must know them. An id is forgotten as soon as a snapshot of the
/// source shows it finished, so a handful is kept however long the process runs. Thread-safe.
public final class DeliveredTransactions {

    /// Without their epochs, as the stream gives them.
    private final Set<Long> hidden = new HashSet<>();

    /// The newest snapshot of the source that is known; `null` before the log's position was read.
    private @Nullable RunningTransactions seen;

    /// Which transactions were in the log when this was called, if the source does not show them to
    /// a snapshot that is taken *afterwards*. The order decides: what was forgotten before the call
    /// was shown to an older snapshot, so a later one shows it too.
    ///
    /// @return takes ids with epoch; says yes to all while the log's position is not known
    public synchronized LongPredicate asOfNow() {
        if (seen == null) {
            return _ -> true;
        }
        Set<Long> copy = Set.copyOf(hidden);
        return transaction -> copy.contains(Origin.streamed(transaction));
    }

    /// Takes over what former processes delivered, when none of them can write any more.
    ///
    /// @param now a snapshot of the source that was taken since
    /// @param logged what the log's position says of them; `null` where it does not say: every
    ///   transaction that runs may be one
    synchronized void begin(RunningTransactions now, @Nullable Set<Long> logged) {
        hidden.addAll(
                logged != null
                        ? logged
                        : now.ids().stream().map(Origin::streamed).collect(Collectors.toSet()));
        seen = now;
        forget(now);
    }

    /// Before the transaction is committed to the log.
    synchronized void add(long transaction) {
        if (seen == null || seen.hidesStreamed(transaction)) {
            hidden.add(transaction);
        }
    }

    synchronized void learn(RunningTransactions snapshot) {
        if (seen != null && snapshot.next() >= seen.next()) {
            seen = snapshot;
            forget(snapshot);
        }
    }

    private void forget(RunningTransactions snapshot) {
        hidden.removeIf(transaction -> !snapshot.hidesStreamed(transaction));
    }

    /// What is in the log and may not be shown yet, without epochs.
    synchronized Set<Long> remaining() {
        return Set.copyOf(hidden);
    }
}
