package dev.millrace.capture.position;

import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// How far the capture is, as it is written in the same Kafka transaction as the changes
/// themselves.
///
/// The position is a transaction's boundary: PostgreSQL sends everything that committed behind it
/// again, in the same order. The next transaction may be partly in the log already; it is known by
/// its id, and exactly [#openEvents()] of its events are skipped when it comes again. A position
/// inside a transaction would not do: rows of one COPY share one LSN, and LSNs of concurrent
/// transactions interleave.
///
/// @param generation the generation of the log
/// @param streaming false while the snapshot runs; a snapshot that was interrupted starts a new
///   generation
/// @param boundary end of the last commit that lies wholly in the log; zero while the snapshot runs
/// @param openTransaction id of the transaction behind the boundary that is partly in the log; zero
///   for none
/// @param openEvents how many events of it are in the log
/// @param watermark the highest watermark number in the log
/// @param truncates how many TRUNCATEs the log holds; each takes the next number as its id
/// @param rowsRead rows read by the snapshot, per table
/// @param publication the identity of the publication that the log was begun with; empty when the
///   log doesn't say
/// @param logged where the log holds what belongs to the position
public record SourcePosition(
        int generation,
        boolean streaming,
        Lsn boundary,
        long openTransaction,
        long openEvents,
        long watermark,
        long truncates,
        Map<TableId, Long> rowsRead,
        String publication,
        Logged logged) {

    /// @param tablesAt offset of the captured tables' facts in the position topic, or -1 when the
    ///   log doesn't say
    /// @param changesBegins the offset at which this generation begins in each partition of the
    ///   changes topic, or empty when the log doesn't say
    /// @param changesEnds the offset behind the last record of each partition of the changes topic,
    ///   or empty when the log doesn't say
    /// @param delivered ids (without epoch) of the transactions in the log that the source may not
    ///   show to other sessions yet, or `null` when the log doesn't say
    public record Logged(
            long tablesAt,
            List<Long> changesBegins,
            List<Long> changesEnds,
            @Nullable Set<Long> delivered) {

        public Logged {
            changesBegins = List.copyOf(changesBegins);
            changesEnds = List.copyOf(changesEnds);
            delivered = delivered == null ? null : Set.copyOf(delivered);
        }

        public static Logged nothing(List<Long> changesBegins) {
            return new Logged(-1, changesBegins, List.of(), Set.of());
        }
    }

    public SourcePosition {
        rowsRead = Map.copyOf(rowsRead);
        if (openTransaction == 0 && openEvents != 0) {
            throw new IllegalArgumentException(openEvents + " events of no transaction");
        }
    }

    public static SourcePosition beforeSnapshot(
            int generation, String publication, List<Long> changesBegins) {
        return new SourcePosition(
                generation,
                false,
                Lsn.ZERO,
                0,
                0,
                0,
                0,
                Map.of(),
                publication,
                Logged.nothing(changesBegins));
    }

    /// The position as it changes event by event. For the capture's thread alone.
    public static final class Cursor {
        private final SourcePosition start;
        private boolean streaming;
        private Lsn boundary;
        private long openTransaction;
        private long openEvents;
        private long watermark;
        private long truncates;
        private final Map<TableId, Long> rowsRead;
        private long toSkip;

        public Cursor(SourcePosition start) {
            this.start = start;
            streaming = start.streaming;
            boundary = start.boundary;
            openTransaction = start.openTransaction;
            openEvents = start.openEvents;
            watermark = start.watermark;
            truncates = start.truncates;
            rowsRead = new TreeMap<>(start.rowsRead);
            toSkip = start.openEvents;
        }

        public boolean streaming() {
            return streaming;
        }

        public Lsn boundary() {
            return boundary;
        }

        public void beginStreaming(Lsn boundary) {
            this.streaming = true;
            this.boundary = boundary;
        }

        public void read(TableId table) {
            rowsRead.merge(table, 1L, Long::sum);
        }

        /// Takes one streamed event of a transaction.
        ///
        /// @param lastCommit end of the last commit before it, or zero when none has been seen
        ///   since the start
        /// @return false when the event is in the log already and has to be skipped
        /// @throws SourceLostException when the stream doesn't continue where the log ends
        public boolean advance(Lsn lastCommit, long transaction) {
            if (toSkip > 0) {
                if (transaction != openTransaction) {
                    throw new SourceLostException(
                            "the log ends inside transaction "
                                    + openTransaction
                                    + ", but the source continues with transaction "
                                    + transaction);
                }
                toSkip--;
                return false;
            }
            if (transaction != openTransaction) {
                if (lastCommit.compareTo(boundary) > 0) {
                    boundary = lastCommit;
                }
                openTransaction = transaction;
                openEvents = 0;
            }
            openEvents++;
            return true;
        }

        public boolean takeWatermark(long number) {
            if (number <= watermark) {
                return false;
            }
            watermark = number;
            return true;
        }

        public long nextTruncate() {
            return ++truncates;
        }

        /// The position as it is now.
        ///
        /// @param logged where the log holds the rest, which the one who writes it knows
        public SourcePosition position(Logged logged) {
            return new SourcePosition(
                    start.generation,
                    streaming,
                    boundary,
                    openTransaction,
                    openEvents,
                    watermark,
                    truncates,
                    rowsRead,
                    start.publication,
                    logged);
        }
    }

    /// The source no longer continues where the log ends: the slot is gone, was advanced or belongs
    /// to another server, or the stream came back in another order. Nothing can be carried on
    /// exactly; the rows have to be backfilled again.
    public static final class SourceLostException extends RuntimeException {

        public SourceLostException(String message) {
            super(message);
        }
    }
}
