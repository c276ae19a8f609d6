package dev.millrace.capture;

import dev.millrace.capture.position.HangingTransaction;
import dev.millrace.capture.position.LogEnds;
import dev.millrace.capture.position.LogEnds.Open;
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

/// Ends the transaction that an earlier writer left open, as [HangingTransaction] decides, before
/// anything is read or written. Afterwards the position that is read is the last one, and what the
/// source sends again is in the log once. If nothing is open, this costs two requests for the end
/// offsets. Not thread-safe; confined to the capture thread.
final class OpenTransactionRecovery {

    private static final Logger LOG = LoggerFactory.getLogger(OpenTransactionRecovery.class);

    /// The broker reports a transaction as ended before it has written every marker.
    private static final Duration MARKER_TIMEOUT = Duration.ofSeconds(5);

    private final String migration;
    private final PositionLog positions;
    private final LogEnds logEnds;

    OpenTransactionRecovery(String migration, PositionLog positions, LogEnds logEnds) {
        this.migration = migration;
        this.positions = positions;
        this.logEnds = logEnds;
    }

    /// @param writer has fenced every earlier writer
    /// @return the last position
    /// @throws SourceLostException if it cannot be decided what was committed
    /// @throws KafkaException if records stay open because they belong to another producer
    Optional<SourcePosition> recover(ChangeLogWriter writer) throws InterruptedException {
        Open open = logEnds.open();
        Optional<SourcePosition> committed = positions.last();
        if (open.isEmpty()) {
            return committed;
        }
        return switch (judge(open, committed)) {
            case HangingTransaction.End end -> end(end, open, writer);
            case HangingTransaction.Undecidable(String reason) ->
                    throw new SourceLostException(reason);
        };
    }

    private HangingTransaction judge(Open open, Optional<SourcePosition> committed) {
        List<SourcePosition> openPositions =
                open.position().map(positions::written).orElse(List.of());
        if (openPositions.isEmpty()) {
            return HangingTransaction.withCommittedPosition(
                    open.changes(), open.position().isPresent(), committed);
        }
        if (openPositions.size() > 1) {
            return HangingTransaction.AMBIGUOUS;
        }
        SourcePosition last = openPositions.getFirst();
        Map<Integer, Long> ended = new HashMap<>();
        for (int partition = 0; partition < last.logged().changesEnds().size(); partition++) {
            long end = last.logged().changesEnds().get(partition);
            if (end > HangingTransaction.end(committed, partition)
                    && !open.changes().containsKey(partition)) {
                ended.put(partition, end);
            }
        }
        Map<Integer, Boolean> returned = logEnds.returnsLastRecord(ended);
        Set<Integer> committing =
                returned.keySet().stream().filter(returned::get).collect(Collectors.toSet());
        return HangingTransaction.withOpenPosition(
                open.changes(), returned.keySet(), committing, committed, last);
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
                .log("Ending a transaction that the broker left open.");
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
            logEnds.awaitMarkers(MARKER_TIMEOUT);
        } catch (TimeoutException _) {
            throw new KafkaException(
                    "The log's topics contain open records "
                            + logEnds.open()
                            + " although the transactions of this migration have ended. If this persists,"
                            + " find the other producer's transaction and abort it with kafka-transactions.sh.");
        }
        return last;
    }
}
