package dev.millrace.control;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/// The changes of [ParkedKeys] that wait, in `millrace.parked_change`: each as a record of the
/// target topic, in the order of the log. Uses the caller's connection and transaction.
/// Thread-safe.
final class ParkedChanges {

    private static final String APPEND =
            """
            INSERT INTO millrace.parked_change
                (migration, parked_key, changes_offset, change_index, image)
            VALUES (?, ?, ?, ?, ?)
            """;

    private static final String GROW =
            "UPDATE millrace.parked_key SET changes = changes + ?, bytes = bytes + ? WHERE id = ?";

    private static final String READ =
            "SELECT image FROM millrace.parked_change WHERE parked_key = ? ORDER BY id";

    private static final String REMOVE = "DELETE FROM millrace.parked_change WHERE parked_key = ?";

    private static final String EMPTY =
            "DELETE FROM millrace.parked_change c USING millrace.parked_key k"
                    + " WHERE c.parked_key = k.id AND k.migration = ? AND k.generation = ?"
                    + " AND k.target_schema = ? AND k.target_name = ? AND k.target_part = ?";

    private final String migration;
    private final BlockCodec codec = new BlockCodec();

    ParkedChanges(String migration) {
        this.migration = migration;
    }

    /// Adds changes behind those that wait already, in their order.
    void append(Connection connection, Map<Long, List<TargetChange>> changes) throws SQLException {
        if (changes.isEmpty()) {
            return;
        }
        TargetBlock.Writer writer = codec.targetChanges();
        try (PreparedStatement append = connection.prepareStatement(APPEND);
                PreparedStatement grow = connection.prepareStatement(GROW)) {
            for (Map.Entry<Long, List<TargetChange>> of : changes.entrySet()) {
                long bytes = 0;
                for (TargetChange change : of.getValue()) {
                    writer.add(change);
                    byte[] image = writer.take(change.token(), 0);
                    append.setString(1, migration);
                    append.setLong(2, of.getKey());
                    append.setLong(3, change.token().changesOffset());
                    append.setInt(4, change.token().index());
                    append.setBytes(5, image);
                    append.addBatch();
                    bytes += image.length;
                }
                grow.setLong(1, of.getValue().size());
                grow.setLong(2, bytes);
                grow.setLong(3, of.getKey());
                grow.addBatch();
            }
            append.executeBatch();
            grow.executeBatch();
        }
    }

    /// The changes of a key.
    List<TargetChange> read(Connection connection, long key) throws SQLException {
        return Statements.list(connection, READ, row -> codec.decodeTarget(row.getBytes(1)), key)
                .stream()
                .flatMap(block -> block.changes().stream())
                .toList();
    }

    /// Forgets the changes of a key, which has none then.
    void remove(Connection connection, long key) throws SQLException {
        Statements.update(connection, REMOVE, key);
    }

    /// Forgets the changes of all keys of a table, or of a part of it. Call it before the keys are
    /// forgotten.
    void empty(Connection connection, int generation, TableId table) throws SQLException {
        Statements.update(
                connection,
                EMPTY,
                migration,
                generation,
                table.schema(),
                table.name(),
                table.part());
    }
}
