package dev.millrace.chunk;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/// The top-level transactions that a snapshot does not see because they were running: also one
/// whose commit is in the WAL, and perhaps in the log, but which the source shows to nobody yet.
/// Transactions that began after the snapshot are not named.
public record RunningTransactions(Set<Long> ids) {

    public RunningTransactions {
        ids = Set.copyOf(ids);
    }

    /// Reads PostgreSQL's form `xmin:xmax:xip,xip`.
    static RunningTransactions parse(String snapshot) {
        String list = snapshot.substring(snapshot.lastIndexOf(':') + 1);
        return new RunningTransactions(
                list.isEmpty()
                        ? Set.of()
                        : Arrays.stream(list.split(",", -1))
                                .map(Long::valueOf)
                                .collect(Collectors.toUnmodifiableSet()));
    }
}
