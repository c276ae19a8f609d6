package dev.millrace.source;

import dev.millrace.source.LogReach.Open;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends what a transaction of an earlier writer left open, as [HangingTransaction] judges, before
/// anything is read or written: so that the position that is read is the last one there is, and
/// what comes again from the source is in the log once. Costs two looks at the ends when nothing is
/// open.
final class LogSettlement {

    private static final Logger LOG = LoggerFactory.getLogger(LogSettlement.class);

    private final PositionLog positions;
    private final LogReach reach;

    LogSettlement(PositionLog positions, LogReach reach) {
        this.positions = positions;
        this.reach = reach;
    }

    /// @param writer has ended every older writer
    /// @return the last position
    /// @throws SourceLostException when nobody can say what was committed
    /// @throws KafkaException when records stay open: another producer's
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
                ended.put(partition, end - 1);
            }
        }
        return HangingTransaction.with(
                open.changes(), ended.keySet(), reach.shown(ended), committed, last);
    }

    private Optional<SourcePosition> end(
            HangingTransaction.End end, Open open, ChangeLogWriter writer)
            throws InterruptedException {
        LOG.atWarn()
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
        Open left = reach.open();
        if (!left.nothing()) {
            throw new KafkaException(
                    "records of another producer hang in the log's topics "
                            + left
                            + ": find and abort its transaction with kafka-transactions.sh");
        }
        return last;
    }
}
