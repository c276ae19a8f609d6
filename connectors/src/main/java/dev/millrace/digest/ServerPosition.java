package dev.millrace.digest;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// A moment of one server that tells the row versions written since from the older ones. Immutable.
///
/// PostgreSQL stores 32 bits of the id of the transaction that wrote a row version (`xmin`), also
/// for a frozen row. A version that was written since has an id from [#transaction] up to the next
/// one. Those 32 bits are compared as distances from the next id, so that a wraparound between the
/// two does not matter. A version that is older by a multiple of 2^32 ids may also match: it is
/// compared without need. No version that was written since is missed, as long as fewer than 2^31
/// ids were assigned; [#obstacle] checks that.
///
/// @param server cluster and timeline: on another one, the same ids mean other transactions
/// @param transaction id with its epoch; every transaction with a lower id had ended, so that its
///   rows were visible to every later snapshot
/// @param next the first id with its epoch that was not assigned
/// @param tables a hash of the definition of each table, by `schema.name`: its object ids, those of
///   its partitions and children, columns, types, and labels of enums. Rows that come with an
///   attached partition or with a renamed table have old versions
public record ServerPosition(
        String server, long transaction, long next, Map<String, String> tables) {

    /// Less than half of the 32-bit ids, because more are assigned while the rows are read.
    private static final long MOST_TRANSACTIONS = (1L << 31) - (1L << 26);

    private static final String MOMENT =
            """
            SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
                pg_snapshot_xmax(pg_current_snapshot())::text,
                CASE WHEN NOT pg_is_in_recovery() THEN
                    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) ELSE '' END,
                has_function_privilege('pg_control_system()', 'EXECUTE')
            """;

    private static final String SYSTEM = "SELECT system_identifier::text FROM pg_control_system()";

    private static final String DEFINITIONS =
            """
            WITH RECURSIVE tree AS (
                SELECT w.schema, w.name, c.oid
                FROM unnest(?::text[], ?::text[]) AS w(schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                UNION
                SELECT t.schema, t.name, i.inhrelid
                FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid)
            SELECT p.schema, p.name, hashtextextended(string_agg(p.part, E'\\n' ORDER BY p.part), 0)
            FROM (
                SELECT t.schema, t.name, concat_ws(' ', t.oid, a.attnum, a.attname, a.atttypid,
                    a.atttypmod, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
                        FROM pg_catalog.pg_enum e WHERE e.enumtypid = a.atttypid)) COLLATE "C" AS part
                FROM tree t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid
                WHERE a.attnum > 0 AND NOT a.attisdropped) p
            GROUP BY p.schema, p.name
            """;

    public ServerPosition {
        tables = Map.copyOf(tables);
    }

    static ServerPosition read(Connection connection, Collection<TableId> of) throws SQLException {
        Map<String, String> definitions = definitions(connection, of);
        try (var statement = connection.createStatement();
                var row = statement.executeQuery(MOMENT)) {
            row.next();
            long transaction = Long.parseLong(row.getString(1));
            long next = Long.parseLong(row.getString(2));
            String timeline = row.getString(3);
            String system = row.getBoolean(4) ? system(connection) : "";
            return new ServerPosition(system + "/" + timeline, transaction, next, definitions);
        }
    }

    private static String system(Connection connection) throws SQLException {
        try (var statement = connection.createStatement();
                var row = statement.executeQuery(SYSTEM)) {
            row.next();
            return row.getString(1);
        }
    }

    private static Map<String, String> definitions(Connection connection, Collection<TableId> of)
            throws SQLException {
        try (var statement = connection.prepareStatement(DEFINITIONS)) {
            statement.setArray(
                    1,
                    connection.createArrayOf("text", of.stream().map(TableId::schema).toArray()));
            statement.setArray(
                    2, connection.createArrayOf("text", of.stream().map(TableId::name).toArray()));
            Map<String, String> definitions = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    definitions.put(
                            new TableId(rows.getString(1), rows.getString(2)).toString(),
                            rows.getString(3));
                }
            }
            return definitions;
        }
    }

    /// The same moment for rows of transactions from this id on.
    public ServerPosition from(long id) {
        return new ServerPosition(server, id, next, tables);
    }

    /// The id with epoch of a transaction that had begun about now.
    ///
    /// @param lower its lower 32 bits
    public long id(int lower) {
        return next + (lower - (int) next);
    }

    /// Why the rows of a table that were written since this moment cannot be told from the older
    /// ones.
    ///
    /// @param now a later position of the same side
    /// @return empty if they can be told
    public Optional<String> obstacle(ServerPosition now, TableId table) {
        if (!server.equals(now.server())) {
            return Optional.of("the server was replaced, restored or promoted");
        }
        if (now.next() < next) {
            return Optional.of("the server's transaction ids went back");
        }
        if (now.next() - transaction >= MOST_TRANSACTIONS) {
            return Optional.of("the server has assigned about 2 billion transaction ids");
        }
        String name = table.whole().toString();
        String definition = tables.get(name);
        return definition == null || !definition.equals(now.tables().get(name))
                ? Optional.of(
                        "the definition of " + table + ", of a partition or of a type changed")
                : Optional.empty();
    }

    /// The SQL condition for a row version that was written since this moment. Both ages are
    /// distances from the same next id, which the server keeps for a transaction. Most rows fail
    /// the first comparison, and its right side is computed once.
    ///
    /// @param xmin an SQL expression
    String writtenSince(String xmin) {
        String age = "age(" + xmin + ")";
        String oldest = "(SELECT age('" + (transaction & 0xFFFF_FFFFL) + "'::xid))";
        return age + " <= " + oldest + " AND " + age + " >= 0";
    }
}
