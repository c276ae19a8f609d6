package dev.millrace.digest;

import dev.millrace.change.TableId;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.StoredState.StoredPositions.Position;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads what the applier keeps beside the rows of one target table.
public record StoredState(String migration, String topic, TableId target) {

    private static final String POSITIONS =
            """
            SELECT partition, generation, token_offset, token_ordinal, watermark
            FROM millrace.stored_offset WHERE migration = ? AND topic = ?
            """;

    private static final String STOPPED =
            """
            SELECT reason FROM millrace.stopped_table
            WHERE migration = ? AND target_schema = ? AND target_name = ? AND generation >=
                (SELECT max(generation) FROM millrace.stored_offset WHERE migration = ?)
            ORDER BY generation DESC LIMIT 1
            """;

    StoredPositions positions(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(POSITIONS)) {
            statement.setString(1, migration);
            statement.setString(2, topic);
            Map<Integer, Position> positions = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    int generation = rows.getInt(2);
                    positions.put(
                            rows.getInt(1),
                            new Position(
                                    new Token(generation, rows.getLong(3), rows.getInt(4)),
                                    new WatermarkNumber(generation, rows.getLong(5))));
                }
            }
            return new StoredPositions(positions);
        }
    }

    Optional<String> stopped(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(STOPPED)) {
            statement.setString(1, migration);
            statement.setString(2, target.schema());
            statement.setString(3, target.name());
            statement.setString(4, migration);
            try (var rows = statement.executeQuery()) {
                return rows.next() ? Optional.of(rows.getString(1)) : Optional.empty();
            }
        }
    }

    /// What each partition had stored in the snapshot in which the target was read: every change up
    /// to the token's offset had been applied, the one at that offset perhaps in part, none behind
    /// it.
    public record StoredPositions(Map<Integer, Position> partitions) {

        public StoredPositions {
            partitions = Map.copyOf(partitions);
        }

        /// True when every one of these partitions had stored the watermark or a later one.
        public boolean reach(Set<Integer> wanted, WatermarkNumber watermark) {
            return wanted.stream()
                    .allMatch(
                            partition -> {
                                Position position = partitions.get(partition);
                                return position != null
                                        && position.watermark().generation()
                                                == watermark.generation()
                                        && position.watermark().compareTo(watermark) >= 0;
                            });
        }

        public record Position(Token token, WatermarkNumber watermark) {}
    }
}
