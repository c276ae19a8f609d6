package dev.millrace.postgres;

import dev.millrace.change.Lsn;
import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// Reads the facts of one PostgreSQL server as the session's role sees them. Each call reads them
/// again. Not thread-safe; confined to the thread that owns the connection. Throws
/// [DatabaseFailure] if a statement fails.
public final class Server {

    private static final String FACTS =
            """
            SELECT current_setting('server_version_num')::int AS version_number,
                current_setting('server_version') AS version,
                current_setting('server_encoding') AS encoding,
                current_database() AS database, current_user AS role,
                pg_catalog.pg_is_in_recovery() AS recovering,
                current_setting('wal_level') AS wal_level,
                current_setting('max_replication_slots')::int AS slots,
                (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int AS slots_used,
                current_setting('max_wal_senders')::int AS senders,
                (SELECT count(*) FROM pg_catalog.pg_stat_replication)::int AS senders_used,
                nullif(pg_catalog.pg_size_bytes(current_setting('max_slot_wal_keep_size')), -1)
                    AS slot_keep_bytes,
                nullif(extract(epoch FROM
                    current_setting('idle_replication_slot_timeout', true)::interval), 0)::int8
                    AS slot_idle_seconds,
                (SELECT s.setting FROM pg_catalog.pg_settings s
                    WHERE s.name = 'output_plugin_libraries') AS output_plugins,
                r.rolsuper, r.rolreplication,
                EXISTS (SELECT 1 FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_replication'
                    AND pg_catalog.pg_has_role(g.oid, 'USAGE')) AS managed_replication,
                r.rolinherit,
                pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_activity,
                pg_catalog.has_database_privilege(current_database(), 'CREATE') AS may_create,
                pg_catalog.has_database_privilege(current_database(), 'TEMPORARY') AS may_temporary,
                CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
                    substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
                    END AS timeline
            FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
            """;

    /// Locks that are waited for are visible to every role; what a session does is not.
    private static final String ACTIVITY =
            """
            SELECT current_setting('server_version'),
                (SELECT pg_catalog.count(DISTINCT l.pid)
                    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
                    WHERE NOT l.granted AND a.datname = pg_catalog.current_database()),
                CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN
                    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
                        WHERE a.datname = pg_catalog.current_database() AND a.state = 'active'
                            AND a.backend_type = 'client backend'
                            AND a.application_name NOT LIKE 'millrace %'
                            AND a.query_start < pg_catalog.clock_timestamp() - interval '5 s') END
            """;

    /// @param slotKeepBytes `max_slot_wal_keep_size`; empty if slots may keep unlimited WAL
    /// @param slotIdleSeconds `idle_replication_slot_timeout` (PostgreSQL 18 and later); empty if a
    ///   slot may stay idle
    /// @param systemIdentifier identifies the cluster; empty if the role may not read it
    /// @param timeline the cluster's timeline; empty during recovery
    /// @param outputPlugins `output_plugin_libraries`, an allow-list of newer minor releases; empty
    ///   if the server has no such setting or hides it from the role
    /// @param transactions transactions of all databases that may stay open for long
    public record Facts(
            int versionNumber,
            String version,
            String encoding,
            String database,
            boolean inRecovery,
            String walLevel,
            Quota slots,
            Quota senders,
            OptionalLong slotKeepBytes,
            OptionalLong slotIdleSeconds,
            Optional<String> systemIdentifier,
            OptionalInt timeline,
            Optional<String> outputPlugins,
            Role role,
            List<ConnectionLimit> connections,
            List<OpenTransaction> transactions) {

        public Facts {
            connections = List.copyOf(connections);
            transactions = List.copyOf(transactions);
        }

        public int majorVersion() {
            return versionNumber / 10_000;
        }
    }

    public record Quota(int limit, int used) {

        public boolean hasFree() {
            return used < limit;
        }
    }

    /// @param replicates may open a replication connection: has the attribute, is a superuser, or
    ///   is a member of a managed service's group for it
    /// @param createsInDatabase has the CREATE privilege on the database
    /// @param createsTemporary has the TEMPORARY privilege on the database
    /// @param inherits has the INHERIT attribute. Before version 16 only such a role has the rights
    ///   of the roles that it is a member of
    /// @param seesActivity sees the transactions and snapshots of other roles' sessions
    public record Role(
            String name,
            boolean superuser,
            boolean replicates,
            boolean createsInDatabase,
            boolean createsTemporary,
            boolean inherits,
            boolean seesActivity) {}

    private final Connection connection;

    public Server(Connection connection) {
        this.connection = connection;
    }

    public Facts facts() {
        Optional<String> systemIdentifier = systemIdentifier();
        List<ConnectionLimit> connections = ConnectionLimit.read(connection);
        List<OpenTransaction> transactions = OpenTransaction.read(connection);
        return Query.list(
                        connection,
                        FACTS,
                        row -> facts(row, systemIdentifier, connections, transactions))
                .getFirst();
    }

    /// The end of the WAL: the write position of a primary, or the replay position of a standby.
    public Lsn walPosition() {
        return Query.list(
                        connection,
                        """
                        SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
                            THEN pg_catalog.pg_last_wal_replay_lsn()
                            ELSE pg_catalog.pg_current_wal_lsn() END
                        """,
                        row -> Lsn.parse(row.getString(1)))
                .getFirst();
    }

    /// How busy the server is with this database.
    ///
    /// @param lockWaits sessions that wait for a lock
    /// @param slowQueries sessions of others whose statement runs for more than five seconds; empty
    ///   if the role does not see them
    public record Activity(String version, long lockWaits, OptionalLong slowQueries) {}

    public Activity activity() {
        return Query.list(
                        connection,
                        ACTIVITY,
                        row -> {
                            long slow = row.getLong(3);
                            return new Activity(
                                    row.getString(1),
                                    row.getLong(2),
                                    row.wasNull() ? OptionalLong.empty() : OptionalLong.of(slow));
                        })
                .getFirst();
    }

    public Optional<ReplicationSlot> slot(String name) {
        return ReplicationSlot.find(connection, name);
    }

    public Optional<Publication> publication(String name) {
        return Publication.find(connection, name);
    }

    /// @param streams identifiers of the streams whose origins do not count as used
    public ReplicationOrigins origins(List<String> streams) {
        return ReplicationOrigins.read(connection, streams);
    }

    /// Whether the role may set `session_replication_role` to `replica`. Tries it without effect:
    /// outside a transaction, SET LOCAL ends with its own statement.
    public boolean maySetReplicationRole() {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCAL session_replication_role = replica");
            return true;
        } catch (SQLException e) {
            if (SqlFailure.of(e) == SqlFailure.NO_PRIVILEGE) {
                return false;
            }
            throw new DatabaseFailure(
                    "Cannot test whether the role may set session_replication_role", e);
        }
    }

    private Optional<String> systemIdentifier() {
        boolean allowed =
                Query.list(
                                connection,
                                "SELECT pg_catalog.has_function_privilege("
                                        + "'pg_catalog.pg_control_system()', 'EXECUTE')",
                                row -> row.getBoolean(1))
                        .getFirst();
        return allowed
                ? Query.list(
                                connection,
                                "SELECT system_identifier::text FROM pg_catalog.pg_control_system()",
                                row -> row.getString(1))
                        .stream()
                        .findFirst()
                : Optional.empty();
    }

    private static Facts facts(
            ResultSet row,
            Optional<String> systemIdentifier,
            List<ConnectionLimit> connections,
            List<OpenTransaction> transactions)
            throws SQLException {
        String timeline = row.getString("timeline");
        return new Facts(
                row.getInt("version_number"),
                row.getString("version"),
                row.getString("encoding"),
                row.getString("database"),
                row.getBoolean("recovering"),
                row.getString("wal_level"),
                new Quota(row.getInt("slots"), row.getInt("slots_used")),
                new Quota(row.getInt("senders"), row.getInt("senders_used")),
                number(row, "slot_keep_bytes"),
                number(row, "slot_idle_seconds"),
                systemIdentifier,
                timeline == null
                        ? OptionalInt.empty()
                        : OptionalInt.of(Integer.parseInt(timeline, 16)),
                Optional.ofNullable(row.getString("output_plugins")),
                new Role(
                        row.getString("role"),
                        row.getBoolean("rolsuper"),
                        row.getBoolean("rolsuper")
                                || row.getBoolean("rolreplication")
                                || row.getBoolean("managed_replication"),
                        row.getBoolean("may_create"),
                        row.getBoolean("may_temporary"),
                        row.getBoolean("rolinherit"),
                        row.getBoolean("sees_activity")),
                connections,
                transactions);
    }

    private static OptionalLong number(ResultSet row, String column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? OptionalLong.empty() : OptionalLong.of(value);
    }
}
