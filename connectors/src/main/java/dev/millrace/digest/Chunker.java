package dev.millrace.digest;

import dev.millrace.change.TableId;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.LostChanges;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/// Opens snapshots of one migration's tables on either side. Keeps no connection open between
/// calls, except between [#keepConnections] and [#releaseConnections]. Thread-safe.
public final class Chunker {

    private final String migration;
    private final String targetTopic;
    private final Sessions source;
    private final Sessions target;
    private final OpenConnections connections = new OpenConnections();

    /// @param targetTopic the topic whose stored offsets a snapshot of the target contains
    public Chunker(String migration, String targetTopic, Sessions source, Sessions target) {
        this.migration = migration;
        this.targetTopic = targetTopic;
        this.source = source;
        this.target = target;
    }

    /// Reads the types of the target's columns, and from both sides the sizes of the tables and a
    /// sample hash.
    ///
    /// @throws ReadFailed when a side cannot be read
    public ComparedTables tables(Collection<Mapping> mappings) {
        return ComparedTables.read(this, mappings);
    }

    /// @throws ReadFailed when a side cannot be read or the target lacks a column of the mapping
    public ComparedTable table(Mapping mapping) {
        return tables(List.of(mapping)).table(mapping);
    }

    /// The transactions that a snapshot of the source taken now would not show. A running
    /// transaction with the highest id of all is not among them: the ids are complete below the id
    /// of any transaction that ended before this call.
    public RunningTransactions running() {
        return onSource(RunningTransactions::read);
    }

    /// The present moment of the source, with the definitions of these source tables.
    public ServerPosition sourcePosition(Collection<TableId> tables) {
        return onSource(open -> ServerPosition.read(open, tables));
    }

    /// The present moment of the target, with the definitions of these target tables.
    public ServerPosition targetPosition(Collection<TableId> tables) {
        return onTarget(open -> ServerPosition.read(open, tables));
    }

    /// How many rows were written to these target tables since their statistics were reset, by
    /// whomever; empty if the server does not count. A write is counted within seconds of its
    /// commit.
    public Map<TableId, Long> targetWrites(Collection<TableId> tables) {
        return onTarget(open -> WriteCounts.read(open, tables));
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

    /// Uses connections again from now on, until each caller of this method has called
    /// [#releaseConnections], or statements were cancelled. To open one takes longer than a small
    /// read.
    public void keepConnections() {
        connections.keep();
    }

    /// Closes the connections that were kept, unless another caller keeps them.
    public void releaseConnections() {
        connections.release();
    }

    /// Cancels the statements that run on either side, so that they fail. A statement that begins
    /// during this call may not be cancelled.
    public void cancelStatements() {
        connections.cancelStatements();
    }

    /// Closes the connections to both sides without waiting for the servers. Their statements fail
    /// at once in this process; the servers may continue to run them.
    public void abort() {
        connections.abort();
    }

    <T> T onSource(SnapshotSession.Read<T> read) {
        return with("source", source, read);
    }

    <T> T onTarget(SnapshotSession.Read<T> read) {
        return with("target", target, read);
    }

    private <T> T with(String side, Sessions sessions, SnapshotSession.Read<T> read) {
        try {
            Connection connection = connections.open(sessions);
            try {
                return read.from(connection);
            } finally {
                connections.close(sessions, connection);
            }
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }

    /// A snapshot of the source for any of its tables. Not thread-safe.
    public static final class SourceSession implements AutoCloseable {

        private final SnapshotSession session;

        SourceSession(SnapshotSession session) {
            this.session = session;
        }

        /// The transactions that had begun but whose changes this snapshot does not show.
        public RunningTransactions running() {
            return session.running();
        }

        /// Releases the locks on the tables that were read, so that nobody waits for a session that
        /// waits. The snapshot remains. A table that is truncated or rewritten then is empty in it.
        public void releaseLocks() {
            session.releaseLocks();
        }

        /// The snapshot of a table. Do not close it: it is closed with this session.
        public SourceSnapshot table(ComparedTable table) {
            return new SourceSnapshot(new SnapshotReader(session, table, table.source()));
        }

        @Override
        public void close() {
            session.close();
        }
    }

    /// A snapshot of the target for any of its tables. Not thread-safe.
    public static final class TargetSession implements AutoCloseable {

        private final SnapshotSession session;
        private final String migration;
        private final String targetTopic;

        TargetSession(SnapshotSession session, String migration, String targetTopic) {
            this.session = session;
            this.migration = migration;
            this.targetTopic = targetTopic;
        }

        /// The snapshot of a table. Do not close it: it is closed with this session.
        public TargetSnapshot table(ComparedTable table) {
            return new TargetSnapshot(
                    new SnapshotReader(session, table, table.target()),
                    new StoredState(
                            new StoredOffsets(migration, targetTopic),
                            new StoppedTables(migration),
                            new LostChanges(migration),
                            new ParkedKeys(migration),
                            table.mapping().target().table().whole()));
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
