package dev.millrace.capture.position;

import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The capture's position in the source's WAL, written in the same Kafka transaction as the
/// changes. Immutable.
///
/// The position is a transaction boundary: PostgreSQL sends everything that committed after it
/// again, in the same order. The log may already contain a part of the next transaction. That
/// transaction is identified by its id, and exactly [#openEvents()] of its events are skipped when
/// it is sent again. A position inside a transaction would not be sufficient: rows of one COPY
/// share an LSN, and LSNs of concurrent transactions interleave.
///
/// @param generation the generation of the log
/// @param streaming false during the snapshot; an interrupted snapshot begins a new generation
/// @param boundary end of the last commit that is completely in the log; zero during the snapshot
/// @param openTransaction id of the transaction after the boundary that is partly in the log; zero
///   for none
/// @param openEvents number of its events in the log
/// @param watermark the highest watermark number in the log
/// @param truncates number of TRUNCATEs in the log; each takes the next number as its id
/// @param rowsRead number of rows read by the snapshot, per table
/// @param publication the identity of the publication at the start of the log; empty if the log
///   does not contain it
/// @param logged offsets in the log that belong to the position
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

    /// @param tablesAt offset of the captured tables' facts in the position topic, or -1 if unknown
    /// @param changesBegins the first offset of this generation in each partition of the changes
    ///   topic, or empty if unknown
    /// @param changesEnds the offset after the last record in each partition of the changes topic,
    ///   or empty if unknown
    /// @param changesTotals number of changes of rows in each partition of the changes topic since
    ///   this generation began, or empty for none
    /// @param delivered ids (without epoch) of the transactions in the log that may not be visible
    ///   to other sessions of the source yet, or `null` if unknown
    public record Logged(
            long tablesAt,
            List<Long> changesBegins,
            List<Long> changesEnds,
            List<Long> changesTotals,
            @Nullable Set<Long> delivered) {

        public Logged {
            changesBegins = List.copyOf(changesBegins);
            changesEnds = List.copyOf(changesEnds);
            changesTotals = List.copyOf(changesTotals);
            delivered = delivered == null ? null : Set.copyOf(delivered);
        }

        public static Logged nothing(List<Long> changesBegins) {
            return new Logged(-1, changesBegins, List.of(), List.of(), Set.of());
        }
    }

    public SourcePosition {
        rowsRead = Map.copyOf(rowsRead);
        if (openTransaction == 0 && openEvents != 0) {
            throw new IllegalArgumentException(openEvents + " events without a transaction");
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

    /// The position of a new generation whose rows are read beside the stream.
    ///
    /// @param boundary where the slot begins
    public static SourcePosition beforeStream(
            int generation, Lsn boundary, String publication, List<Long> changesBegins) {
        return new SourcePosition(
                generation,
                true,
                boundary,
                0,
                0,
                0,
                0,
                Map.of(),
                publication,
                Logged.nothing(changesBegins));
    }

    /// The position as it advances event by event. Not thread-safe; confined to the capture thread.
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

        /// Advances by one streamed event.
        ///
        /// @param lastCommit end of the last commit before it, or zero if there was none since the
        ///   start
        /// @return false if the event is already in the log and must be skipped
        /// @throws SourceLostException if the stream does not continue where the log ends
        public boolean advance(Lsn lastCommit, long transaction) {
            if (toSkip > 0) {
                if (transaction != openTransaction) {
                    throw new SourceLostException(
                            "The log ends inside transaction "
                                    + openTransaction
                                    + ", but the source continues with transaction "
                                    + transaction
                                    + ".");
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

        /// The current position.
        ///
        /// @param logged the offsets in the log, which the writer knows
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

    /// The source no longer continues where the log ends: the slot was dropped, advanced or belongs
    /// to another server, or the stream arrived in another order. The capture cannot continue
    /// exactly; the rows must be backfilled again.
    public static final class SourceLostException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        public SourceLostException(String message) {
            super(message);
        }
    }
}
