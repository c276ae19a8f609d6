package dev.millrace.chunk;

/// One snapshot of the target, over any of its tables. Not thread-safe.
public final class TargetSession implements AutoCloseable {

    private final SnapshotSession session;
    private final String migration;
    private final String targetTopic;

    TargetSession(SnapshotSession session, String migration, String targetTopic) {
        this.session = session;
        this.migration = migration;
        this.targetTopic = targetTopic;
    }

    /// Leave it open: it is closed with this session.
    public TargetSnapshot table(ComparedTable table) {
        return new TargetSnapshot(
                new SnapshotReader(session, table, table.target()),
                new StoredState(migration, targetTopic, table.mapping().target().table()));
    }

    @Override
    public void close() {
        session.close();
    }
}
