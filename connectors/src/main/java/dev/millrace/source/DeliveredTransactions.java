package dev.millrace.source;

import dev.millrace.change.Origin;
import java.util.LinkedHashSet;
import java.util.SequencedSet;

/// Which transactions of the source are in the log, as far as this process knows: a commit can be
/// in the log before other sessions of the source see it, and who compares what he reads there with
/// the log has to ask. Safe for any thread; remembers a bounded number.
public final class DeliveredTransactions {

    public enum Answer {
        YES,
        NO,
        UNKNOWN
    }

    private static final int REMEMBERED = 200_000;

    private final SequencedSet<Long> delivered = new LinkedHashSet<>();
    private long knownFrom = Long.MAX_VALUE;
    private boolean forgotten;

    /// @param transaction id with epoch, as `pg_current_snapshot()` prints it
    public synchronized Answer answer(long transaction) {
        if (delivered.contains(Origin.streamed(transaction))) {
            return Answer.YES;
        }
        return transaction >= knownFrom && !forgotten ? Answer.NO : Answer.UNKNOWN;
    }

    /// Every transaction from this id on began after this process began to watch.
    synchronized void watchFrom(long transaction) {
        if (knownFrom == Long.MAX_VALUE) {
            knownFrom = transaction;
        }
    }

    synchronized void add(long transaction) {
        if (delivered.add(Origin.streamed(transaction)) && delivered.size() > REMEMBERED) {
            delivered.removeFirst();
            forgotten = true;
        }
    }
}
