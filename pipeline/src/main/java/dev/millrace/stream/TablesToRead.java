package dev.millrace.stream;

import dev.millrace.change.TableId;
import dev.millrace.control.stopped.LostChanges;
import dev.millrace.control.stopped.LostChanges.Lost;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/// The target tables of one generation whose rows must be read again, because the stream lacks
/// changes of them. The capture thread adds them, one thread reads and removes them, any thread
/// asks whether there are some.
public final class TablesToRead {

    private final ReplicationStream stream;
    private final int generation;
    private final LostChanges store;

    /// Grows with each change of the stored tables. What an earlier process left is not read yet.
    private final AtomicLong version = new AtomicLong(1);

    private volatile long readVersion;
    private volatile List<Lost> tables = List.of();

    TablesToRead(ReplicationStream stream, int generation) {
        this.stream = stream;
        this.generation = generation;
        this.store = new LostChanges(stream.id());
    }

    /// Returns when the tables are stored.
    ///
    /// @param whole see [Lost]
    void add(Collection<TableId> targets, String reason, boolean whole) throws SQLException {
        store.add(stream.control(), generation, targets, reason, whole);
        version.incrementAndGet();
    }

    /// The oldest loss first.
    public List<Lost> read() throws SQLException {
        long now = version.get();
        if (now != readVersion) {
            tables = store.of(stream.control(), generation);
            readVersion = now;
        }
        return tables;
    }

    /// The tables as of the last [#read].
    public List<Lost> known() {
        return tables;
    }

    /// Whether no table must be read again; false while that is not known.
    public boolean isEmpty() {
        return readVersion == version.get() && tables.isEmpty();
    }

    /// A re-backfill begins, and reads what was lost of the table so far.
    ///
    /// @param target the table as `schema.name`
    /// @param whole whether it reads every row in any case
    public void cover(String target, UUID operation, boolean whole) throws SQLException {
        store.cover(stream.control(), generation, target, operation, whole);
        version.incrementAndGet();
    }

    /// Whether the re-backfill need only read the partitions that were not read as they are now.
    public boolean isOfPartitions(UUID operation) throws SQLException {
        return store.coveredBy(stream.control(), generation, operation)
                .filter(lost -> !lost.whole())
                .isPresent();
    }

    /// The target has what the re-backfill read.
    public void done(UUID operation) throws SQLException {
        store.read(stream.control(), operation);
        version.incrementAndGet();
    }
}
