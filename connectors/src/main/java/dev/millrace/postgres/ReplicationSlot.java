package dev.millrace.postgres;

import dev.millrace.change.Lsn;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The migration's replication slot, as the source sees it.
///
/// @param plugin empty for a physical slot, as is its database
/// @param activePid the backend that streams from it, or empty
/// @param confirmedFlush everything before it is forgotten by the source
/// @param walStatus `reserved`, `extended`, `unreserved` or `lost`
public record ReplicationSlot(
        String name,
        Optional<String> plugin,
        Optional<String> database,
        Optional<Integer> activePid,
        Lsn confirmedFlush,
        String walStatus) {

    private static final String FIND =
            """
            SELECT slot_name, plugin, database, active_pid, confirmed_flush_lsn::text, wal_status
            FROM pg_replication_slots WHERE slot_name = ?
            """;

    public static Optional<ReplicationSlot> find(Connection connection, String name)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(read(row)) : Optional.empty();
            }
        }
    }

    private static ReplicationSlot read(ResultSet row) throws SQLException {
        int pid = row.getInt(4);
        Optional<Integer> activePid = row.wasNull() ? Optional.empty() : Optional.of(pid);
        @Nullable String flushed = row.getString(5);
        @Nullable String status = row.getString(6);
        return new ReplicationSlot(
                row.getString(1),
                Optional.ofNullable(row.getString(2)),
                Optional.ofNullable(row.getString(3)),
                activePid,
                flushed == null ? Lsn.ZERO : Lsn.parse(flushed),
                status == null ? "unknown" : status);
    }

    /// Ends the backend that streams from the slot, so that a capture that was frozen doesn't keep
    /// its successor out.
    public static void release(Connection connection, ReplicationSlot slot) throws SQLException {
        if (slot.activePid().isEmpty()) {
            return;
        }
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT pg_terminate_backend(?, 5000)")) {
            statement.setInt(1, slot.activePid().get());
            statement.execute();
        }
    }

    public static void drop(Connection connection, String name) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ?")) {
            statement.setString(1, name);
            statement.execute();
        }
    }
}
