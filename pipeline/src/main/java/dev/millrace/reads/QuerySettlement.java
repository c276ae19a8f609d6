package dev.millrace.reads;

import dev.millrace.change.ChangeEvent;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.postgres.query.QueryResult;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.FencedSourceReader;
import dev.millrace.reconcile.ReplicationProgress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/// Decides whether results that differ are a difference or lag.
///
/// A difference is proven only while nothing changes: the source is read between two watermarks,
/// the target after it has stored the second one, and the log has no change of any row from before
/// the first read to after the last one. Then both sides show the same moment. Transactions are
/// applied by partitions, so a target that is written shows states that the source never had; under
/// writes a difference stays undecided. Not thread-safe.
final class QuerySettlement implements QueryComparison.Settlement {

    private static final int ROUNDS = 4;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

    private final FencedSourceReader sourceReader;
    private final ReplicationProgress progress;
    private final ChangeLog log;
    private final Cancellation cancellation;

    QuerySettlement(
            FencedSourceReader sourceReader,
            ReplicationProgress progress,
            ChangeLog log,
            Cancellation cancellation) {
        this.sourceReader = sourceReader;
        this.progress = progress;
        this.log = log;
        this.cancellation = cancellation;
    }

    sealed interface Settled {

        record Equal() implements Settled {}

        record Different(QueryResult source, QueryResult target) implements Settled {}

        record Undecided(String cause) implements Settled {}
    }

    @Override
    public Settled settle(Supplier<QueryResult> source, Supplier<QueryResult> target) {
        String cause = "the rows kept changing";
        for (int round = 0; round < ROUNDS; round++) {
            if (round > 0) {
                cancellation.pause(FIRST_PAUSE.multipliedBy(1L << round));
                cancellation.check();
            }
            switch (sourceReader.read(_ -> source.get())) {
                case FencedRead.Failed<QueryResult>(String why) -> {
                    return new Settled.Undecided(why);
                }
                case FencedRead.Fenced<QueryResult> read -> {
                    QueryResult onTarget = target.get();
                    Map<Integer, Long> ends = progress.changesEnds();
                    Comparison compared = Comparison.of(read.source(), onTarget);
                    switch (compared) {
                        case Comparison.Same() -> {
                            return new Settled.Equal();
                        }
                        case Comparison.Unknown(String why) -> cause = why;
                        case Comparison.Other() -> {
                            cause = "the rows kept changing";
                            if (read.hidden().isEmpty() && isQuiet(read.ends(), ends)) {
                                return new Settled.Different(read.source(), onTarget);
                            }
                        }
                    }
                }
            }
        }
        return new Settled.Undecided(cause);
    }

    private boolean isQuiet(Map<Integer, Long> from, Map<Integer, Long> to) {
        Map<Integer, OffsetRange> ranges = new HashMap<>();
        from.forEach(
                (partition, offset) ->
                        ranges.put(
                                partition,
                                new OffsetRange(offset, to.getOrDefault(partition, offset))));
        AtomicBoolean quiet = new AtomicBoolean(true);
        log.changes(
                ranges,
                read -> {
                    cancellation.check();
                    if (read.stream().anyMatch(each -> isOfRows(each.content()))) {
                        quiet.set(false);
                    }
                });
        return quiet.get();
    }

    private static boolean isOfRows(ChangeEvent change) {
        return switch (change) {
            case ChangeEvent.OfRow _, ChangeEvent.Truncate _ -> true;
            case ChangeEvent.BackfillComplete _, ChangeEvent.Watermark _ -> false;
        };
    }

    /// What two results of one moment say.
    sealed interface Comparison {

        record Same() implements Comparison {}

        record Other() implements Comparison {}

        record Unknown(String why) implements Comparison {}

        static Comparison of(QueryResult source, QueryResult target) {
            return switch (source) {
                case QueryResult.TooLarge() -> tooLarge();
                case QueryResult.Cancelled() -> timeout("source");
                case QueryResult.Rows rows ->
                        switch (target) {
                            case QueryResult.TooLarge() -> tooLarge();
                            case QueryResult.Cancelled() -> timeout("target");
                            case QueryResult.Rows others ->
                                    rows.isSame(others) ? new Same() : new Other();
                            case QueryResult.Failed _ -> new Other();
                        };
                case QueryResult.Failed(String state) ->
                        switch (target) {
                            case QueryResult.TooLarge() -> tooLarge();
                            case QueryResult.Cancelled() -> timeout("target");
                            case QueryResult.Rows _ -> new Other();
                            case QueryResult.Failed(String other) ->
                                    other.equals(state)
                                            ? new Unknown(
                                                    "the statement fails on both sides with SQLSTATE "
                                                            + state)
                                            : new Other();
                        };
            };
        }

        private static Comparison tooLarge() {
            return new Unknown("a result has more than 10,000 rows or 16 MiB");
        }

        private static Comparison timeout(String side) {
            return new Unknown("the statement reached its timeout on the " + side);
        }
    }
}
