package dev.millrace.capture;

import dev.millrace.capture.LogEnds.Open;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends what a transaction of an earlier writer left open, as [HangingTransaction] judges, before
/// anything is read or written: so that the position that is read is the last one there is, and
/// what comes again from the source is in the log once. Costs two looks at the ends when nothing is
/// open.
final class OpenTransactionRecovery {

    private static final Logger LOG = LoggerFactory.getLogger(OpenTransactionRecovery.class);

    /// The broker says that a transaction has ended before it has written every marker.
    private static final Duration MARKERS = Duration.ofSeconds(5);

    private final String migration;
    private final PositionLog positions;
    private final LogEnds reach;

    OpenTransactionRecovery(String migration, PositionLog positions, LogEnds reach) {
        this.migration = migration;
        this.positions = positions;
        this.reach = reach;
    }

    /// @param writer has ended every older writer
    /// @return the last position
    /// @throws SourceLostException when nobody can say what was committed
    /// @throws KafkaException when records stay open, which are another producer's
    Optional<SourcePosition> settle(ChangeLogWriter writer) throws InterruptedException {
        Open open = reach.open();
        Optional<SourcePosition> committed = positions.last();
        if (open.nothing()) {
            return committed;
        }
        return switch (judge(open, committed)) {
            case HangingTransaction.End end -> end(end, open, writer);
            case HangingTransaction.Unclear(String reason) -> throw new SourceLostException(reason);
        };
    }

    private HangingTransaction judge(Open open, Optional<SourcePosition> committed) {
        List<SourcePosition> unsettled = open.position().map(positions::written).orElse(List.of());
        if (unsettled.isEmpty()) {
            return HangingTransaction.besides(
                    open.changes(), open.position().isPresent(), committed);
        }
        if (unsettled.size() > 1) {
            return HangingTransaction.MIXED;
        }
        SourcePosition last = unsettled.getFirst();
        Map<Integer, Long> ended = new HashMap<>();
        for (int partition = 0; partition < last.logged().changesEnds().size(); partition++) {
            long end = last.logged().changesEnds().get(partition);
            if (end > HangingTransaction.end(committed, partition)
                    && !open.changes().containsKey(partition)) {
                ended.put(partition, end);
            }
        }
        Map<Integer, Boolean> shows = reach.showsLast(ended);
        Set<Integer> shown = shows.keySet().stream().filter(shows::get).collect(Collectors.toSet());
        return HangingTransaction.with(open.changes(), shows.keySet(), shown, committed, last);
    }

    private Optional<SourcePosition> end(
            HangingTransaction.End end, Open open, ChangeLogWriter writer)
            throws InterruptedException {
        LOG.atWarn()
                .addKeyValue("migration", migration)
                .addKeyValue("changes", open.changes())
                .addKeyValue("position", open.position())
                .addKeyValue("commit", end.commit())
                .addKeyValue("abort", end.abort())
                .log("the broker left a transaction open, which is ended now");
        if (!end.abort().isEmpty() || end.abortPosition()) {
            writer.abortOpen(end.abort(), end.abortPosition());
        }
        Optional<SourcePosition> last = end.last();
        boolean commit =
                !end.commit().isEmpty() || open.position().isPresent() && !end.abortPosition();
        if (commit && last.isPresent()) {
            last = Optional.of(writer.commitOpen(end.commit(), last.get()));
        }
        try {
            reach.awaitMarkers(MARKERS);
        } catch (TimeoutException _) {
            throw new KafkaException(
                    "records are open in the log's topics "
                            + reach.open()
                            + " although the transactions of this migration were ended: if this stays,"
                            + " find and abort another producer's transaction with kafka-transactions.sh");
        }
        return last;
    }
}
