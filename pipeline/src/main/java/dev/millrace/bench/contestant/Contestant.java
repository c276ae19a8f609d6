package dev.millrace.bench.contestant;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/// Something that copies the orders from the source to the target: Millrace or a peer.
/// Implementations are stateless; what runs is a [Copying].
public interface Contestant {

    String name();

    /// How the target stores the orders.
    OrdersTable.Form form();

    /// Every setting that differs from a default, for the report.
    Map<String, String> settings();

    /// Gets what the contestant needs, once, before the first measure.
    default void prepare(Narration narration) throws IOException {}

    /// Starts to copy the rows that exist, and then to follow changes if the contestant can. The
    /// target has the empty table.
    Copying start(Route route) throws IOException, SQLException;

    /// Where to copy.
    ///
    /// @param number distinguishes the measures of one benchmark
    /// @param folder an empty folder for files; deleted after the measure
    record Route(
            BenchServers servers,
            String sourceDatabase,
            String targetDatabase,
            Size size,
            int number,
            Path folder) {}

    /// @param tables number of tables to which the orders are dealt; peers know only one
    /// @param partitions of each topic of Millrace
    record Size(int tables, int partitions) {

        /// The default of the migration file.
        public static final int DEFAULT_PARTITIONS = 0;

        public static final Size DEFAULT = new Size(1, DEFAULT_PARTITIONS);
    }

    /// A contestant that runs, or will at the first [#hasBegun]. Not thread-safe.
    interface Copying extends AutoCloseable {

        /// Returns false while no row is known to be read. The clock of the backfill starts at the
        /// last call that returned false. The first call may start the copy.
        boolean hasBegun() throws IOException, SQLException;

        /// Returns whether the contestant has copied all existing rows and follows changes.
        ///
        /// @throws ContestantFailed if it no longer will
        boolean follows() throws IOException, SQLException;

        /// Its processes, without the two servers.
        List<Long> processes();

        /// Stops in an orderly way. The source keeps the changes that follow.
        void stop() throws IOException, SQLException;

        /// Continues where [#stop] ended.
        void resume() throws IOException, SQLException;

        /// Ends it. What it left on the source is removed afterwards.
        @Override
        void close();
    }

    /// A contestant did not do what is measured, or not in time. The message can be shown.
    final class ContestantFailed extends RuntimeException {

        private static final long serialVersionUID = 1L;

        public ContestantFailed(String message) {
            super(message);
        }

        public ContestantFailed(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
