package dev.millrace.chunk;

import dev.millrace.postgres.RunningTransactions;

/// One snapshot of the source, over any of its tables. Not thread-safe.
public final class SourceSession implements AutoCloseable {

    private final SnapshotSession session;

    SourceSession(SnapshotSession session) {
        this.session = session;
    }

    /// The transactions whose changes this snapshot doesn't show although they had begun.
    public RunningTransactions running() {
        return session.running();
    }

    /// Leave it open: it is closed with this session.
    public SourceSnapshot table(ComparedTable table) {
        return new SourceSnapshot(new SnapshotReader(session, table, table.source()));
    }

    @Override
    public void close() {
        session.close();
    }
}
