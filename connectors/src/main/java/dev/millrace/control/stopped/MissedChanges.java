package dev.millrace.control.stopped;

import dev.millrace.change.TableId;
import dev.millrace.change.Token;
import dev.millrace.control.Statements;
import dev.millrace.control.StoredOffset;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The changes that a stopped table has missed, as positions in the target topic, in
/// `millrace.rejected_changes`. A table that continues applies them before any later change. Uses
/// the caller's connection and transaction, which has the partition's stored offset locked.
/// Thread-safe.
public final class MissedChanges {

    private static final String COLUMNS =
            "r.target_schema, r.target_name, r.partition, r.next_offset, r.generation,"
                    + " r.token_offset, r.token_index, r.last_offset, r.last_index";

    private static final String OF_TABLE =
            " WHERE r.migration = ? AND r.generation = ? AND r.target_schema = ?"
                    + " AND r.target_name = ?";

    private static final String FIND =
            "SELECT "
                    + COLUMNS
                    + " FROM millrace.rejected_changes r"
                    + OF_TABLE
                    + " AND r.partition = ?";

    /// One table at a time: two that wait for each other's partitions at a TRUNCATE would wait for
    /// ever.
    private static final String CONTINUING =
            "SELECT "
                    + COLUMNS
                    + """
                     FROM millrace.rejected_changes r JOIN (
                        SELECT s.migration, s.generation, s.target_schema, s.target_name
                        FROM millrace.stopped_table s
                        WHERE s.migration = ? AND s.generation = ? AND s.resumed_at IS NOT NULL
                            AND EXISTS (SELECT FROM millrace.rejected_changes m
                                WHERE (m.migration, m.generation, m.target_schema, m.target_name)
                                    = (s.migration, s.generation, s.target_schema, s.target_name))
                        ORDER BY s.resumed_at, s.target_schema, s.target_name LIMIT 1
                    ) s USING (migration, generation, target_schema, target_name)
                    """;

    private static final String FIRST_OFFSETS =
            "SELECT partition, min(next_offset) FROM millrace.rejected_changes"
                    + " WHERE migration = ? AND generation = ? GROUP BY partition";

    private static final String MOVE =
            "UPDATE millrace.rejected_changes r SET next_offset = ?, token_offset = ?,"
                    + " token_index = ?, changes = greatest(changes - ?, 1)"
                    + OF_TABLE
                    + " AND r.partition = ?";

    private static final String REMOVE =
            "DELETE FROM millrace.rejected_changes r" + OF_TABLE + " AND r.partition = ?";

    private final String migration;

    public MissedChanges(String migration) {
        this.migration = migration;
    }

    /// What a table missed in one partition.
    ///
    /// @param nextOffset of the target topic, from which on they are read
    /// @param after changes up to this token were not missed, or are applied meanwhile
    /// @param last the last one that was missed
    public record Missed(TableId table, int partition, long nextOffset, Token after, Token last) {

        public boolean isReached(Token token) {
            return token.compareTo(last) >= 0;
        }

        /// The rest, after a part of them was applied.
        public Missed from(StoredOffset reached) {
            return new Missed(table, partition, reached.nextOffset(), reached.token(), last);
        }
    }

    public Optional<Missed> find(
            Connection connection, int generation, TableId table, int partition)
            throws SQLException {
        return Statements.first(
                connection,
                FIND,
                MissedChanges::missed,
                migration,
                generation,
                table.schema(),
                table.name(),
                partition);
    }

    /// What is to be applied now, by partition: of the table that was allowed to continue first.
    public Map<Integer, Missed> continuing(Connection connection, int generation)
            throws SQLException {
        Map<Integer, Missed> partitions = new HashMap<>();
        Statements.list(connection, CONTINUING, MissedChanges::missed, migration, generation)
                .forEach(missed -> partitions.put(missed.partition(), missed));
        return partitions;
    }

    /// Records that a part of them is applied.
    ///
    /// @param changes how many
    public void move(Connection connection, Missed to, long changes) throws SQLException {
        Statements.update(
                connection,
                MOVE,
                to.nextOffset(),
                to.after().changesOffset(),
                to.after().index(),
                changes,
                migration,
                to.after().generation(),
                to.table().schema(),
                to.table().name(),
                to.partition());
    }

    /// All of them are applied in the partition.
    public void remove(Connection connection, int generation, TableId table, int partition)
            throws SQLException {
        Statements.update(
                connection, REMOVE, migration, generation, table.schema(), table.name(), partition);
    }

    /// The first offset of the target topic that a stopped table needs, by partition. Read it after
    /// the stored offsets: what is missed later begins after these.
    ///
    /// @param control the database that contains the control schema
    public Map<Integer, Long> firstOffsets(Database control, int generation) throws SQLException {
        try (Connection connection = control.connect("control")) {
            Map<Integer, Long> offsets = new HashMap<>();
            Statements.list(
                            connection,
                            FIRST_OFFSETS,
                            row -> Map.entry(row.getInt(1), row.getLong(2)),
                            migration,
                            generation)
                    .forEach(first -> offsets.put(first.getKey(), first.getValue()));
            return offsets;
        }
    }

    private static Missed missed(ResultSet row) throws SQLException {
        int generation = row.getInt(5);
        return new Missed(
                new TableId(row.getString(1), row.getString(2)),
                row.getInt(3),
                row.getLong(4),
                new Token(generation, row.getLong(6), row.getInt(7)),
                new Token(generation, row.getLong(8), row.getInt(9)));
    }
}
