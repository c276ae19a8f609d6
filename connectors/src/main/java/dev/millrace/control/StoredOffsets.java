package dev.millrace.control;

import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The rows of `millrace.stored_offset` that belong to one migration's target topic. Every method
/// works on the caller's connection and in the caller's transaction, so that an offset is seen and
/// moved together with the rows it stands for. Safe for any thread.
public final class StoredOffsets {

    private static final String COLUMNS =
            "partition, topic_id, next_offset, generation, token_offset, token_ordinal, watermark";
    private static final String ROW = " WHERE migration = ? AND topic = ? AND partition = ?";

    private static final String READ =
            "SELECT "
                    + COLUMNS
                    + ", rows_applied FROM millrace.stored_offset"
                    + " WHERE migration = ? AND topic = ? ORDER BY partition";
    private static final String LOCK =
            "SELECT " + COLUMNS + " FROM millrace.stored_offset" + ROW + " FOR UPDATE";
    private static final String MOVE =
            "UPDATE millrace.stored_offset SET next_offset = ?, token_offset = ?, token_ordinal = ?,"
                    + " watermark = ?, rows_applied = rows_applied + ?,"
                    + " backend_pid = pg_backend_pid(), updated_at = clock_timestamp()"
                    + ROW
                    + " AND generation = ? AND topic_id = ? AND next_offset = ?";
    private static final String CLEAR =
            "DELETE FROM millrace.stored_offset WHERE migration = ? AND topic = ?";
    private static final String BEGIN =
            "INSERT INTO millrace.stored_offset (migration, topic, "
                    + COLUMNS
                    + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

    private final String migration;
    private final String topic;

    public StoredOffsets(String migration) {
        this.migration = migration;
        this.topic = new Topics(migration).target();
    }

    /// All partitions as the caller's snapshot sees them.
    public AppliedOffsets read(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setString(1, migration);
            statement.setString(2, topic);
            List<StoredOffset> partitions = new ArrayList<>();
            long rows = 0;
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    partitions.add(offset(row));
                    rows += row.getLong(8);
                }
            }
            return new AppliedOffsets(partitions, rows);
        }
    }

    /// Sets every partition to the start of a generation. Does nothing when this generation has
    /// begun on this topic already, so that a conductor who died after it may call it again.
    ///
    /// @param firstOffsets the offset at which each partition's records of the generation begin
    /// @throws IllegalStateException when a newer generation, or the same one on another topic, is
    ///   stored
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
                        "generation %d of %s can't begin: partition %d is at generation %d of topic %s"
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
        try (PreparedStatement clear = connection.prepareStatement(CLEAR);
                PreparedStatement begin = connection.prepareStatement(BEGIN)) {
            clear.setString(1, migration);
            clear.setString(2, topic);
            clear.executeUpdate();
            Token none = Token.none(generation);
            for (int partition = 0; partition < firstOffsets.size(); partition++) {
                begin.setString(1, migration);
                begin.setString(2, topic);
                begin.setInt(3, partition);
                begin.setString(4, topicId);
                begin.setLong(5, firstOffsets.get(partition));
                begin.setInt(6, generation);
                begin.setLong(7, none.changesOffset());
                begin.setInt(8, none.ordinal());
                begin.setLong(9, WatermarkNumber.none(generation).number());
                begin.addBatch();
            }
            begin.executeBatch();
        }
    }

    /// Locks the partition's row until the transaction ends and says what it holds: after this, no
    /// other session can move it, and none that was about to has.
    public Optional<StoredOffset> lock(Connection connection, int partition) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LOCK)) {
            statement.setString(1, migration);
            statement.setString(2, topic);
            statement.setInt(3, partition);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(offset(row)) : Optional.empty();
            }
        }
    }

    /// Compares and sets; false when the row was no longer at `from`.
    public boolean move(Connection connection, StoredOffset from, StoredOffset to, long rows)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(MOVE)) {
            statement.setLong(1, to.nextOffset());
            statement.setLong(2, to.token().changesOffset());
            statement.setInt(3, to.token().ordinal());
            statement.setLong(4, to.watermark().number());
            statement.setLong(5, rows);
            statement.setString(6, migration);
            statement.setString(7, topic);
            statement.setInt(8, from.partition());
            statement.setInt(9, from.generation());
            statement.setString(10, from.topicId());
            statement.setLong(11, from.nextOffset());
            return statement.executeUpdate() == 1;
        }
    }

    private static StoredOffset offset(ResultSet row) throws SQLException {
        int generation = row.getInt(4);
        return new StoredOffset(
                row.getInt(1),
                row.getString(2),
                row.getLong(3),
                new Token(generation, row.getLong(5), row.getInt(6)),
                new WatermarkNumber(generation, row.getLong(7)));
    }
}
