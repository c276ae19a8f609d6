package dev.millrace.reconcile;

import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.retention.LogHolds;
import java.time.Duration;
import java.util.List;

/// What the classes of one reconciliation share. Immutable; its parts are confined to the
/// reconciliation's thread.
///
/// @param held what is kept of the changes topic until the reconciliation ends
public record ReconcileContext(
        Chunker chunker,
        FencedSourceReader sourceReader,
        ReplicationProgress progress,
        ChangeLog log,
        LogHolds.Hold held,
        ReconcileLimits limits,
        Cancellation cancellation) {

    /// Limits of the comparison of one table. There is no time limit; a reconciliation can be
    /// cancelled.
    ///
    /// @param rounds reads of single keys before the keys that still change are decided from the
    ///   log; at least 1
    /// @param visibilityTimeout how long to wait for a commit to become visible on the source
    /// @param rows rows of both sides that are kept in memory and compared one by one; further
    ///   differing rows are only counted
    /// @param bytes of each side's keys, of their cells, or of their images in the log, that are
    ///   kept in memory at a time
    /// @param chunks of large tables
    /// @param budget what the reads may cost
    public record ReconcileLimits(
            int rounds,
            Duration visibilityTimeout,
            long rows,
            long bytes,
            Chunks chunks,
            Budget budget) {

        public static final ReconcileLimits DEFAULT =
                new ReconcileLimits(5, Duration.ofSeconds(2), 200_000, 32L * 1024 * 1024);

        /// With the usual limits of chunks.
        public ReconcileLimits(int rounds, Duration visibilityTimeout, long rows, long bytes) {
            this(rounds, visibilityTimeout, rows, bytes, Chunks.DEFAULT);
        }

        /// Without a budget.
        public ReconcileLimits(
                int rounds, Duration visibilityTimeout, long rows, long bytes, Chunks chunks) {
            this(rounds, visibilityTimeout, rows, bytes, chunks, Budget.NONE);
        }

        /// @param parallel chunks or groups of tables that are read at a time
        public ReconcileLimits within(Budget budget, int parallel) {
            return new ReconcileLimits(
                    rounds, visibilityTimeout, rows, bytes, chunks.parallel(parallel), budget);
        }

        public ReconcileLimits {
            if (rounds < 1 || visibilityTimeout.isNegative() || rows < 1 || bytes < 1) {
                throw new IllegalArgumentException(
                        "A reconciliation needs at least one round, one row and one byte, but got "
                                + rounds
                                + ", "
                                + rows
                                + ", "
                                + bytes);
            }
        }

        /// What a reconciliation may cost both servers.
        ///
        /// @param chunkTime what a read of a chunk should take; zero if the planned chunks are read
        ///   as they are
        /// @param share of the time in which each session reads, above 0 and up to 1
        public record Budget(Duration chunkTime, double share) {

            public static final Budget NONE = new Budget(Duration.ZERO, 1);

            public Budget {
                if (chunkTime.isNegative() || !(share > 0 && share <= 1)) {
                    throw new IllegalArgumentException(
                            "A budget needs a time and a share up to 1, but got "
                                    + chunkTime
                                    + ", "
                                    + share);
                }
            }

            /// How long a session rests after a read.
            public Duration rest(Duration read) {
                return Duration.ofNanos((long) (read.toNanos() * (1 - share) / share));
            }
        }

        /// How a large table is divided.
        ///
        /// @param tableBytes a table with more bytes is compared in chunks
        /// @param rows of a chunk, about; one side of a chunk with more rows than the limit of rows
        ///   is divided again before its rows are read
        /// @param bytes of a chunk, about
        /// @param parallel chunks that are read at a time, each with one session on each side
        /// @param differences a table with more differing keys is not compared further
        /// @param touched a chunk, or a table that is not divided, in which more keys change while
        ///   it is compared, is compared again
        public record Chunks(
                long tableBytes,
                long rows,
                long bytes,
                int parallel,
                int differences,
                int touched) {

            public static final Chunks DEFAULT =
                    new Chunks(16L << 20, 200_000, 64L << 20, 4, 10_000, 50_000);

            Chunks parallel(int other) {
                return new Chunks(tableBytes, rows, bytes, other, differences, touched);
            }

            public Chunks {
                if (Math.min(rows, bytes) < 1
                        || Math.min(Math.min(parallel, differences), touched) < 1) {
                    throw new IllegalArgumentException(
                            "A chunk needs at least one row, byte, session, difference and touched"
                                    + " key, but got "
                                    + List.of(rows, bytes, parallel, differences, touched));
                }
            }
        }
    }
}
