package dev.millrace.control;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;

/// The stored offsets of one target topic in `millrace.stored_offset`. Uses the caller's connection
/// and transaction, so that an offset is read and moved together with the rows that it describes.
/// Thread-safe.
public final class StoredOffsets {

    private static final String COLUMNS =
            "partition, topic_id, next_offset, generation, token_offset, token_index, watermark,"
                    + " changes_total";
    private static final String ROW = " WHERE migration = ? AND topic = ? AND partition = ?";

    private static final String READ =
            "SELECT "
                    + COLUMNS
                    + ", rows_applied, coalesce(watermark_read, watermark)"
                    + " FROM millrace.stored_offset"
                    + " WHERE migration = ? AND topic = ? ORDER BY partition";
    private static final String READ_PASSED =
            READ.replace(" watermark,", " coalesce(watermark_read, watermark),");
    private static final String LOCK =
            "SELECT " + COLUMNS + " FROM millrace.stored_offset" + ROW + " FOR UPDATE";
    private static final String MOVE =
            "UPDATE millrace.stored_offset SET next_offset = ?, token_offset = ?, token_index = ?,"
                    + " watermark = greatest(watermark, least(?, (SELECT min(k.hold_after)"
                    + " FROM millrace.parked_key k WHERE k.migration = stored_offset.migration"
                    + " AND k.generation = stored_offset.generation"
                    + " AND k.partition = stored_offset.partition AND k.state = 'held'"
                    + " AND NOT "
                    + ParkedKeys.OF_A_STOPPED_TABLE
                    + "))),"
                    + " watermark_read = ?, changes_total = ?, rows_applied = rows_applied + ?,"
                    + " backend_pid = pg_backend_pid(), updated_at = clock_timestamp()"
                    + ROW
                    + " AND generation = ? AND topic_id = ? AND next_offset = ?"
                    + " RETURNING pg_current_xact_id()::text";
    private static final String CLEAR =
            "DELETE FROM millrace.stored_offset WHERE migration = ? AND topic = ?";
    private static final String BEGIN =
            "INSERT INTO millrace.stored_offset (migration, topic, "
                    + COLUMNS
                    + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)";

    /// The locked row's xmax is the transaction of the lock's holder, which has a lock on its own
    /// id.
    private static final String TERMINATE_LOCK_HOLDER =
            """
            SELECT l.pid, pg_terminate_backend(l.pid)
            FROM millrace.stored_offset o
            JOIN pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = o.xmax
                AND l.granted AND l.mode = 'ExclusiveLock'
            JOIN pg_stat_activity a ON a.pid = l.pid AND a.usename = current_user
            WHERE o.migration = ? AND o.topic = ? AND o.partition = ? AND l.pid <> pg_backend_pid()
            """;

    private final String migration;
    private final String topic;
    private final LongConsumer moving;

    /// @param topic the name of the target topic
    public StoredOffsets(String migration, String topic) {
        this(migration, topic, _ -> {});
    }

    /// @param moving receives the id of each transaction that moves an offset, before it commits
    public StoredOffsets(String migration, String topic, LongConsumer moving) {
        this.migration = migration;
        this.topic = topic;
        this.moving = moving;
    }

    /// All partitions in the caller's snapshot. Every change before the watermark of a partition is
    /// applied, parked or skipped.
    public AppliedOffsets read(Connection connection) throws SQLException {
        return read(connection, READ);
    }

    /// The same with the last watermark that each partition has passed, although changes before it
    /// can be held. For the applier, which judges held keys by it.
    public AppliedOffsets readPassed(Connection connection) throws SQLException {
        return read(connection, READ_PASSED);
    }

    private AppliedOffsets read(Connection connection, String sql) throws SQLException {
        List<StoredOffset> partitions = new ArrayList<>();
        Map<Integer, WatermarkNumber> passed = new HashMap<>();
        long rows = 0;
        for (Row row : Statements.list(connection, sql, Row::read, migration, topic)) {
            partitions.add(row.offset());
            passed.put(row.offset().partition(), row.passed());
            rows += row.rowsApplied();
        }
        return new AppliedOffsets(partitions, passed, rows);
    }

    /// The same in its own session.
    ///
    /// @param control the database that contains the control schema
    public AppliedOffsets read(Database control) throws SQLException {
        try (Connection connection = control.connect("control")) {
            return read(connection);
        }
    }

    /// Opens a session in which they can be read again and again.
    ///
    /// @param control the database that contains the control schema
    public Reader reader(Database control) throws SQLException {
        return new Reader(control.connect("control"));
    }

    /// Reads the stored offsets in one session. Not thread-safe.
    public final class Reader implements AutoCloseable {

        private final Connection connection;

        private Reader(Connection connection) {
            this.connection = connection;
        }

        public AppliedOffsets read() throws SQLException {
            return StoredOffsets.this.read(connection);
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    /// Sets every partition to the start of a generation. Does nothing when this generation has
    /// begun on this topic already, so the call can be repeated after a crash.
    ///
    /// @param firstOffsets the offset at which each partition's records of the generation begin
    /// @throws IllegalStateException when a newer generation is stored, or the same one on another
    ///   topic
    public void begin(
            Connection connection, int generation, String topicId, List<Long> firstOffsets)
            throws SQLException {
        List<StoredOffset> stored = read(connection).partitions();
        for (StoredOffset offset : stored) {
            if (offset.generation() > generation
                    || offset.generation() == generation
                            && (!offset.topicId().equals(topicId)
                                    || stored.size() != firstOffsets.size())) {
                throw new IllegalStateException(
                        "Generation %d of %s cannot begin: partition %d is at generation %d of topic %s."
                                .formatted(
                                        generation,
                                        topic,
                                        offset.partition(),
                                        offset.generation(),
                                        offset.topicId()));
            }
        }
        if (stored.isEmpty() || stored.getFirst().generation() != generation) {
            replace(connection, generation, topicId, firstOffsets);
        }
    }

    private void replace(
            Connection connection, int generation, String topicId, List<Long> firstOffsets)
            throws SQLException {
        Statements.update(connection, CLEAR, migration, topic);
        Token none = Token.none(generation);
        for (int partition = 0; partition < firstOffsets.size(); partition++) {
            Statements.update(
                    connection,
                    BEGIN,
                    migration,
                    topic,
                    partition,
                    topicId,
                    firstOffsets.get(partition),
                    generation,
                    none.changesOffset(),
                    none.index(),
                    WatermarkNumber.none(generation).number());
        }
    }

    /// Locks the partition's row until the transaction ends, and reads it. After this call no other
    /// session can move the offset, and a session that was about to move it has not.
    public Optional<StoredOffset> lock(Connection connection, int partition) throws SQLException {
        return Statements.first(
                connection, LOCK, StoredOffsets::offset, migration, topic, partition);
    }

    /// Terminates the session that has the partition's row locked, if it belongs to the current
    /// role. A process that was frozen inside its transaction keeps the lock for as long as it is
    /// frozen; its backend can be terminated, and its transaction has no effect then.
    ///
    /// @return the process id of the terminated session
    public OptionalInt terminateLockHolder(Connection connection, int partition)
            throws SQLException {
        return Statements.list(
                        connection,
                        TERMINATE_LOCK_HOLDER,
                        row -> row.getBoolean(2) ? row.getInt(1) : 0,
                        migration,
                        topic,
                        partition)
                .stream()
                .mapToInt(pid -> pid)
                .filter(pid -> pid != 0)
                .findFirst();
    }

    /// Moves the offset by compare-and-set. The stored watermark does not pass the first change of
    /// a held key: a wait for a watermark is also a wait for these keys. Those of a stopped table
    /// wait until it continues.
    ///
    /// @param rows changes that were applied between the two offsets
    /// @return false when the stored offset was not `from`
    public boolean move(Connection connection, StoredOffset from, StoredOffset to, long rows)
            throws SQLException {
        Optional<Long> transaction =
                Statements.first(
                        connection,
                        MOVE,
                        row -> Long.parseLong(row.getString(1)),
                        to.nextOffset(),
                        to.token().changesOffset(),
                        to.token().index(),
                        to.watermark().number(),
                        to.watermark().number(),
                        to.total(),
                        rows,
                        migration,
                        topic,
                        from.partition(),
                        from.generation(),
                        from.topicId(),
                        from.nextOffset());
        transaction.ifPresent(moving::accept);
        return transaction.isPresent();
    }

    private record Row(StoredOffset offset, long rowsApplied, WatermarkNumber passed) {

        static Row read(ResultSet row) throws SQLException {
            StoredOffset offset = StoredOffsets.offset(row);
            return new Row(
                    offset,
                    row.getLong(9),
                    new WatermarkNumber(offset.generation(), row.getLong(10)));
        }
    }

    private static StoredOffset offset(ResultSet row) throws SQLException {
        int generation = row.getInt(4);
        return new StoredOffset(
                row.getInt(1),
                row.getString(2),
                row.getLong(3),
                new Token(generation, row.getLong(5), row.getInt(6)),
                new WatermarkNumber(generation, row.getLong(7)),
                row.getLong(8));
    }
}
