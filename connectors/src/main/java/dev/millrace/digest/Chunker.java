package dev.millrace.digest;

import dev.millrace.control.StoppedTables;
import dev.millrace.control.StoredOffsets;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;

/// Opens snapshots of one migration's tables on either side. Holds no connection between calls.
/// Thread-safe.
public final class Chunker {

    private final String migration;
    private final String targetTopic;
    private final Sessions source;
    private final Sessions target;
    private final OpenConnections connections = new OpenConnections();

    /// @param targetTopic under which the applier stores its offsets
    public Chunker(String migration, String targetTopic, Sessions source, Sessions target) {
        this.migration = migration;
        this.targetTopic = targetTopic;
        this.source = source;
        this.target = target;
    }

    /// Asks the target for its columns' types, both sides for the tables' sizes and a sample hash.
    ///
    /// @throws ReadFailed when a side can't be read
    public ComparedTables tables(Collection<Mapping> mappings) {
        return ComparedTables.ask(this, mappings);
    }

    /// @throws ReadFailed when a side can't be read or the target lacks a column of the mapping
    public ComparedTable table(Mapping mapping) {
        return tables(List.of(mapping)).table(mapping);
    }

    /// What the source would not show to a snapshot taken now. A transaction that is running and
    /// has the highest id of all is not among the ids: they are complete below the id of any
    /// transaction that ended before this call.
    public RunningTransactions running() {
        return onSource(RunningTransactions::read);
    }

    public SourceSession openSource() {
        return new SourceSession(SnapshotSession.open("source", source, connections));
    }

    public TargetSession openTarget() {
        return new TargetSession(
                SnapshotSession.open("target", target, connections), migration, targetTopic);
    }

    public SourceSnapshot openSource(ComparedTable table) {
        return openSource().table(table);
    }

    public TargetSnapshot openTarget(ComparedTable table) {
        return openTarget().table(table);
    }

    /// Cancels the statements that run on either side, which then fail. One that begins at this
    /// moment may be missed.
    public void cancelStatements() {
        connections.cancelStatements();
    }

    /// Breaks the sessions of either side. What runs on them fails at once, on this side only.
    public void abort() {
        connections.abort();
    }

    <T> T onSource(SnapshotSession.Question<T> question) {
        return with("source", source, question);
    }

    <T> T onTarget(SnapshotSession.Question<T> question) {
        return with("target", target, question);
    }

    private <T> T with(String side, Sessions sessions, SnapshotSession.Question<T> question) {
        try {
            Connection connection = connections.open(sessions);
            try {
                return question.of(connection);
            } finally {
                connections.close(connection);
            }
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }

    /// One snapshot of the source, over any of its tables. Not thread-safe.
    public static final class SourceSession implements AutoCloseable {

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

    /// One snapshot of the target, over any of its tables. Not thread-safe.
    public static final class TargetSession implements AutoCloseable {

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
                    new StoredState(
                            new StoredOffsets(migration, targetTopic),
                            new StoppedTables(migration),
                            table.mapping().target().table()));
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
