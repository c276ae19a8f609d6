package dev.millrace.digest;

import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.State;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.LostChanges;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.digest.StoredState.StoredPositions.Position;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/// Reads, in the snapshot in which the target is read, what apply stores beside the rows of one
/// target table.
public record StoredState(
        StoredOffsets offsets,
        StoppedTables stoppedTables,
        LostChanges lostChanges,
        ParkedKeys parkedKeys,
        TableId target) {

    /// The tables of the control schema that this reads.
    public static final List<String> TABLES =
            List.of(
                    "stored_offset",
                    "stopped_table",
                    "rejected_changes",
                    "lost_changes",
                    "parked_key");

    StoredPositions positions(Connection connection) throws SQLException {
        return new StoredPositions(
                offsets.read(connection).partitions().stream()
                        .collect(
                                Collectors.toMap(
                                        StoredOffset::partition,
                                        offset ->
                                                new Position(offset.token(), offset.watermark()))));
    }

    /// Why the table stopped in the generation of the stored offsets.
    Optional<String> stopReason(Connection connection) throws SQLException {
        OptionalInt generation = offsets.read(connection).generation();
        return generation.isPresent()
                ? stoppedTables
                        .find(connection, generation.getAsInt(), target)
                        .map(stopped -> stopped.table().reason())
                : Optional.empty();
    }

    /// Why rows of the table are to be read again in the generation of the stored offsets.
    Optional<String> lossReason(Connection connection) throws SQLException {
        OptionalInt generation = offsets.read(connection).generation();
        return generation.isPresent()
                ? lostChanges
                        .find(connection, generation.getAsInt(), target)
                        .map(LostChanges.Lost::reason)
                : Optional.empty();
    }

    /// The keys of the table that were set aside, as their changes contain them, with what became
    /// of them last.
    Map<RowKey, State> rejected(Connection connection) throws SQLException {
        OptionalInt generation = offsets.read(connection).generation();
        Map<RowKey, State> keys = new LinkedHashMap<>();
        if (generation.isPresent()) {
            parkedKeys
                    .of(connection, generation.getAsInt(), target)
                    .forEach(parked -> keys.put(parked.rowKey(), parked.state()));
        }
        return keys;
    }

    /// What each partition had stored in the snapshot in which the target was read: every change
    /// before the token's offset was applied, the change at that offset perhaps in part, and no
    /// change after it.
    public record StoredPositions(Map<Integer, Position> partitions) {

        public StoredPositions {
            partitions = Map.copyOf(partitions);
        }

        /// Where the changes begin that were perhaps not applied.
        ///
        /// @param first offsets before which everything was applied
        public Map<Integer, Long> from(Map<Integer, Long> first) {
            return first.entrySet().stream()
                    .collect(
                            Collectors.toMap(
                                    Map.Entry::getKey,
                                    of -> Math.max(of.getValue(), offset(of.getKey()))));
        }

        private long offset(int partition) {
            Position position = partitions.get(partition);
            return position == null ? -1 : position.token().changesOffset();
        }

        /// Whether each of these partitions had stored the watermark or a later one of the same
        /// generation.
        public boolean reach(Set<Integer> wanted, WatermarkNumber watermark) {
            return wanted.stream().allMatch(partition -> reaches(partition, watermark));
        }

        private boolean reaches(int partition, WatermarkNumber watermark) {
            Position position = partitions.get(partition);
            return position != null
                    && position.watermark().generation() == watermark.generation()
                    && position.watermark().compareTo(watermark) >= 0;
        }

        public record Position(Token token, WatermarkNumber watermark) {}
    }
}
