package dev.millrace.postgres;

import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// What one PostgreSQL server says of itself to the session's role, read afresh by each call. Used
/// by the thread that owns the connection; faults are [DatabaseFailure].
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
                (SELECT CASE WHEN s.setting::int8 >= 0 THEN s.setting::int8 * 1024 * 1024 END
                    FROM pg_catalog.pg_settings s
                    WHERE s.name = 'max_slot_wal_keep_size') AS slot_keep_bytes,
                (SELECT s.setting FROM pg_catalog.pg_settings s
                    WHERE s.name = 'output_plugin_libraries') AS output_plugins,
                r.rolsuper, r.rolreplication,
                EXISTS (SELECT 1 FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_replication'
                    AND pg_catalog.pg_has_role(g.oid, 'USAGE')) AS managed_replication,
                pg_catalog.has_database_privilege(current_database(), 'CREATE') AS may_create,
                pg_catalog.has_database_privilege(current_database(), 'TEMPORARY') AS may_temporary,
                CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
                    substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
                    END AS timeline
            FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
            """;

    private static final String SLOT =
            """
            SELECT s.slot_name, s.plugin, s.database, s.active, s.active_pid, s.restart_lsn,
                s.confirmed_flush_lsn, s.wal_status, to_jsonb(s) ->> 'invalidation_reason' AS invalid
            FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = ?
            """;

    /// Since this version a server that publishes no stored generated columns refuses updates and
    /// deletes of a table whose replica identity has such columns.
    private static final int ASKS_FOR_STORED_COLUMNS = 18;

    private static final String PUBLICATION =
            """
            SELECT p.puballtables, p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS every,
                p.pubviaroot, pg_catalog.pg_has_role(p.pubowner, 'USAGE') AS owned,
                coalesce((SELECT bool_or((to_jsonb(r) ->> 'prqual') IS NOT NULL
                    OR (to_jsonb(r) ->> 'prattrs') IS NOT NULL)
                    FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), false) AS narrowed,
                coalesce(to_jsonb(p) ->> 'pubgencols', 's') = 's' AS stored,
                ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_publication_rel r
                    JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
                    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE r.prpubid = p.oid ORDER BY c.oid) AS schemas,
                ARRAY(SELECT c.relname::text FROM pg_catalog.pg_publication_rel r
                    JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
                    WHERE r.prpubid = p.oid ORDER BY c.oid) AS names
            FROM pg_catalog.pg_publication p WHERE p.pubname = ?
            """;

    /// @param slotKeepBytes `max_slot_wal_keep_size`; empty when WAL for slots is unlimited
    /// @param systemIdentifier and timeline: which cluster, and which history of it; empty when the
    ///   role may not read them
    /// @param outputPlugins the allow-list of newer minor releases; empty where there is none or
    ///   the role may not see it
    /// @param transactions that may stay open for long, of all databases
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

    /// @param replicates may open a replication connection: by attribute, as a superuser, or by the
    ///   group a managed service gives for it
    /// @param createsInDatabase has CREATE on the database
    /// @param createsTemporary has TEMPORARY on the database
    public record Role(
            String name,
            boolean superuser,
            boolean replicates,
            boolean createsInDatabase,
            boolean createsTemporary) {}

    /// @param walStatus `reserved`, `extended`, `unreserved` or `lost`
    /// @param invalidation why the slot can't be used any more, where the server tells
    public record Slot(
            String name,
            Optional<String> plugin,
            Optional<String> database,
            OptionalInt activePid,
            Optional<Lsn> restart,
            Optional<Lsn> confirmedFlush,
            Optional<String> walStatus,
            Optional<String> invalidation) {

        public boolean active() {
            return activePid.isPresent();
        }
    }

    /// @param narrowed has a row filter, a column list, or publishes whole schemas
    /// @param everyOperation publishes INSERT, UPDATE, DELETE and TRUNCATE
    /// @param storedColumns publishes stored generated columns, or the server is older than 18 and
    ///   doesn't ask for it
    public record Publication(
            List<TableId> tables,
            boolean allTables,
            boolean narrowed,
            boolean everyOperation,
            boolean viaRoot,
            boolean storedColumns,
            boolean owned) {

        public Publication {
            tables = List.copyOf(tables);
        }
    }

    /// The options of a publication that carries every change of its tables and hinders none.
    ///
    /// @param majorVersion of the server
    public static String publicationOptions(int majorVersion) {
        String stored =
                majorVersion < ASKS_FOR_STORED_COLUMNS
                        ? ""
                        : ", publish_generated_columns = stored";
        return "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
                + stored;
    }

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

    /// The end of the WAL: where a primary writes, or where a standby has replayed to.
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

    public Optional<Slot> slot(String name) {
        return Query.list(connection, SLOT, Server::slot, name).stream().findFirst();
    }

    public Optional<Publication> publication(String name) {
        boolean wholeSchemas = publishesSchemas(name);
        return Query.list(connection, PUBLICATION, row -> publication(row, wholeSchemas), name)
                .stream()
                .findFirst();
    }

    /// Whether the role may set `session_replication_role` to `replica`. It is tried where it has
    /// no effect: outside of a transaction SET LOCAL ends with its own statement.
    public boolean maySetReplicationRole() {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCAL session_replication_role = replica");
            return true;
        } catch (SQLException e) {
            if (SqlFailure.of(e) == SqlFailure.NO_PRIVILEGE) {
                return false;
            }
            throw new DatabaseFailure("session_replication_role could not be tried", e);
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

    /// Publications of whole schemas came with version 15; before, the catalog has no table of
    /// them.
    private boolean publishesSchemas(String name) {
        boolean possible =
                Query.list(
                                connection,
                                "SELECT to_regclass('pg_catalog.pg_publication_namespace') IS NOT NULL",
                                row -> row.getBoolean(1))
                        .getFirst();
        return possible
                && !Query.list(
                                connection,
                                """
                                SELECT 1 FROM pg_catalog.pg_publication_namespace n
                                JOIN pg_catalog.pg_publication p ON p.oid = n.pnpubid
                                WHERE p.pubname = ?
                                """,
                                row -> row.getInt(1),
                                name)
                        .isEmpty();
    }

    private static Facts facts(
            ResultSet row,
            Optional<String> systemIdentifier,
            List<ConnectionLimit> connections,
            List<OpenTransaction> transactions)
            throws SQLException {
        long keep = row.getLong("slot_keep_bytes");
        OptionalLong slotKeep = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(keep);
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
                slotKeep,
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
                        row.getBoolean("may_temporary")),
                connections,
                transactions);
    }

    private static Slot slot(ResultSet row) throws SQLException {
        int pid = row.getInt("active_pid");
        OptionalInt activePid = row.wasNull() ? OptionalInt.empty() : OptionalInt.of(pid);
        return new Slot(
                row.getString("slot_name"),
                Optional.ofNullable(row.getString("plugin")),
                Optional.ofNullable(row.getString("database")),
                activePid,
                lsn(row.getString("restart_lsn")),
                lsn(row.getString("confirmed_flush_lsn")),
                Optional.ofNullable(row.getString("wal_status")),
                Optional.ofNullable(row.getString("invalid")));
    }

    private static Optional<Lsn> lsn(@Nullable String text) {
        return Optional.ofNullable(text).map(Lsn::parse);
    }

    private static Publication publication(ResultSet row, boolean wholeSchemas)
            throws SQLException {
        List<String> schemas = Query.texts(row, "schemas");
        List<String> names = Query.texts(row, "names");
        return new Publication(
                IntStream.range(0, names.size())
                        .mapToObj(i -> new TableId(schemas.get(i), names.get(i)))
                        .toList(),
                row.getBoolean("puballtables"),
                wholeSchemas || row.getBoolean("narrowed"),
                row.getBoolean("every"),
                row.getBoolean("pubviaroot"),
                row.getBoolean("stored"),
                row.getBoolean("owned"));
    }
}
