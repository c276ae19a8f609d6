package dev.millrace.control;

import dev.millrace.change.TableId;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.Counted;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.KeptSession;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/// Reads how far a generation is applied, often, over one session that it keeps open between reads.
/// Not thread-safe; confined to the thread of its probe.
public final class ProgressReader implements AutoCloseable {

    private final StoredOffsets offsets;
    private final StoppedTables stoppedTables;
    private final ParkedKeys parkedKeys;
    private final int generation;
    private final KeptSession session;

    /// Opens no session; [#read] does.
    ///
    /// @param topic the target topic
    public ProgressReader(Database control, String migration, String topic, int generation) {
        this.session = new KeptSession(() -> control.connect("watch"));
        this.offsets = new StoredOffsets(migration, topic);
        this.stoppedTables = new StoppedTables(migration);
        this.parkedKeys = new ParkedKeys(migration);
        this.generation = generation;
    }

    /// How far the target is. Stopped tables and parked keys are read after the offsets, so what
    /// was set aside before the applied watermark is among them.
    ///
    /// @param offsets of the generation that the database has, which may be another one
    /// @param stopped tables of the reader's generation
    /// @param waiting how much of each table waits because its key is held or parked
    public record Progress(
            AppliedOffsets offsets, List<Counted> stopped, Map<TableId, ParkedSize> waiting) {

        public Progress {
            stopped = List.copyOf(stopped);
            waiting = Map.copyOf(waiting);
        }
    }

    /// @throws SQLException when the database does not answer; call [#close] then, so that the next
    ///   read opens a new session
    public Progress read() throws SQLException {
        Connection connection = session.get();
        AppliedOffsets applied = offsets.read(connection);
        return new Progress(
                applied,
                stoppedTables.read(connection, generation),
                parkedKeys.sizes(connection, generation));
    }

    /// Closes the session. The next read opens another.
    @Override
    public void close() {
        session.close();
    }
}
