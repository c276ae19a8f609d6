package dev.millrace.postgres;

import dev.millrace.change.Lsn;
import dev.millrace.postgres.Session.SilenceLimit;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// A replication slot as the server reports it, and whether a migration can stream from it. The
/// only place that reads slots and decides about them. Immutable.
///
/// @param plugin empty for a physical slot, as is the database
/// @param activePid process id of the walsender that streams from the slot
/// @param confirmedFlush the server no longer keeps changes before this position for the slot;
///   empty while the slot is being created, and for a physical slot
/// @param walStatus `reserved`, `extended`, `unreserved` or `lost`
/// @param safeWalBytes how much WAL the server can still write before the slot may be invalidated,
///   0 or less if the next checkpoint may do it; empty without `max_slot_wal_keep_size`, and for a
///   lost slot
/// @param invalidation why the slot can no longer be used, if the server reports it (17 and later)
public record ReplicationSlot(
        String name,
        Optional<String> plugin,
        Optional<String> database,
        OptionalInt activePid,
        Optional<Lsn> confirmedFlush,
        Optional<String> walStatus,
        OptionalLong safeWalBytes,
        Optional<String> invalidation) {

    private static final String FIND =
            """
            SELECT s.slot_name, s.plugin, s.database, s.active_pid, s.confirmed_flush_lsn,
                s.wal_status, s.safe_wal_size, to_jsonb(s) ->> 'invalidation_reason' AS invalidation
            FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = ?
            """;

    /// Why a migration cannot stream from a slot.
    public enum Defect {
        /// Physical, or a logical slot of another plugin or database.
        FOREIGN,
        /// The server invalidated the slot: it has removed WAL that the slot needed.
        INVALIDATED
    }

    /// @throws Database.DatabaseFailure if the catalog cannot be read
    public static Optional<ReplicationSlot> find(Connection connection, String name) {
        return Query.list(connection, FIND, ReplicationSlot::read, name).stream().findFirst();
    }

    private static ReplicationSlot read(ResultSet row) throws SQLException {
        int pid = row.getInt("active_pid");
        OptionalInt activePid = row.wasNull() ? OptionalInt.empty() : OptionalInt.of(pid);
        long safe = row.getLong("safe_wal_size");
        OptionalLong safeWalBytes = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(safe);
        return new ReplicationSlot(
                row.getString("slot_name"),
                Optional.ofNullable(row.getString("plugin")),
                Optional.ofNullable(row.getString("database")),
                activePid,
                Optional.ofNullable(row.getString("confirmed_flush_lsn")).map(Lsn::parse),
                Optional.ofNullable(row.getString("wal_status")),
                safeWalBytes,
                Optional.ofNullable(row.getString("invalidation")));
    }

    /// @param expected the database whose changes the migration streams
    public Optional<Defect> defect(String expected) {
        if (!plugin.equals(Optional.of("pgoutput")) || !database.equals(Optional.of(expected))) {
            return Optional.of(Defect.FOREIGN);
        }
        return walStatus.equals(Optional.of("lost")) || invalidation.isPresent()
                ? Optional.of(Defect.INVALIDATED)
                : Optional.empty();
    }

    public boolean active() {
        return activePid.isPresent();
    }

    /// Terminates the walsender that streams from the slot, so that a frozen capture does not block
    /// its successor. Waits up to 5 seconds for the termination.
    public static void release(Connection connection, ReplicationSlot slot) throws SQLException {
        if (slot.activePid().isEmpty()) {
            return;
        }
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT pg_terminate_backend(?, 5000)")) {
            statement.setInt(1, slot.activePid().getAsInt());
            statement.execute();
        }
    }

    /// Creates a logical slot of plugin pgoutput. Waits until every transaction that runs now has
    /// ended.
    ///
    /// @param connection in autocommit mode
    /// @param failover whether standbys keep a copy of the slot (PostgreSQL 17 and later)
    /// @return where the slot begins: every transaction that commits after this position is sent
    public static Lsn create(Connection connection, String name, boolean failover)
            throws SQLException {
        String sql =
                failover
                        ? "SELECT lsn FROM pg_create_logical_replication_slot(?, 'pgoutput', failover => true)"
                        : "SELECT lsn FROM pg_create_logical_replication_slot(?, 'pgoutput')";
        try (var _ = SilenceLimit.ofLongStatement(connection);
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return Lsn.parse(row.getString(1));
            }
        }
    }

    /// Drops the slot, also if a walsender streams from it. A client that connects again at once
    /// can be faster, so try again after [SqlState#OBJECT_IN_USE].
    public static void dropActive(Database database, String name) throws SQLException {
        try (Connection connection = database.connect("drop-slot")) {
            Optional<ReplicationSlot> found = find(connection, name);
            if (found.isPresent()) {
                release(connection, found.get());
                drop(connection, name);
            }
        }
    }

    /// Drops the slot if it exists.
    public static void drop(Connection connection, String name) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ?")) {
            statement.setString(1, name);
            statement.execute();
        }
    }
}
