package dev.millrace.backfill;

import dev.millrace.backfill.Progress.LeafVersion;
import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/// Finds the tables that store the rows of a table: its leaf partitions, or the table itself.
/// Stateless; uses the calling thread's connection.
final class Leaves {

    /// The versions of the `pg_inherits` rows from `c` up to its root. Both statements use it, so
    /// that they agree.
    private static final String INHERITANCE =
            """
            (WITH RECURSIVE up (parent, version, depth) AS (
                SELECT i.inhparent, i.xmin::text, 1 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid
                UNION ALL
                SELECT i.inhparent, i.xmin::text, u.depth + 1
                FROM up u JOIN pg_catalog.pg_inherits i ON i.inhrelid = u.parent)
            SELECT coalesce(string_agg(version, '/' ORDER BY depth, version), '') FROM up)
            """;

    private static final String FIND =
            """
            WITH RECURSIVE tree (oid, is_root) AS (
                SELECT c.oid, true FROM pg_catalog.pg_class c
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relname = ?
                UNION ALL
                SELECT i.inhrelid, false FROM tree t
                JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid AND NOT i.inhdetachpending)
            SELECT c.oid::int8 AS oid, n.nspname, c.relname, c.relkind, coalesce(m.amname, '') AS method,
                t.is_root OR c.relispartition AS member,
                coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::int8 AS file,
                CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid)
                    / pg_catalog.current_setting('block_size')::int8 ELSE 0 END AS pages,
                c.relpages::int8 AS counted_pages, c.reltuples::int8 AS counted_rows, v.inheritance
            FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
            CROSS JOIN LATERAL
            """
                    + INHERITANCE
                    + " v (inheritance) WHERE c.relkind <> 'p' ORDER BY c.oid";

    private static final String VERSION =
            "SELECT coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::int8 AS file, "
                    + INHERITANCE
                    + " AS inheritance FROM pg_catalog.pg_class c WHERE c.oid = ?::int8::oid";

    private Leaves() {}

    /// A table or leaf partition that stores rows.
    ///
    /// @param pages its size at the moment
    /// @param estimatedRows the planner's estimate for that size; 0 if the table was never analyzed
    record Leaf(TableId root, TableId id, LeafVersion version, long pages, long estimatedRows) {

        boolean isPartition() {
            return !root.equals(id);
        }
    }

    /// The table cannot be read by page ranges.
    static final class NotReadableException extends Exception {
        private static final long serialVersionUID = 1L;

        private final String reason;
        private final String remedy;

        NotReadableException(String reason, String remedy) {
            super(reason);
            this.reason = reason;
            this.remedy = remedy;
        }

        String reason() {
            return reason;
        }

        String remedy() {
            return remedy;
        }
    }

    static List<Leaf> find(Connection connection, TableId root)
            throws SQLException, NotReadableException {
        List<Leaf> leaves = new ArrayList<>();
        boolean exists = false;
        try (PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setString(1, root.schema());
            statement.setString(2, root.name());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    exists = true;
                    leaves.add(leaf(root, row));
                }
            }
        }
        if (!exists && !exists(connection, root)) {
            throw new NotReadableException(
                    "source table " + root + " does not exist",
                    "Restore the table, or remove it from the migration and restart Millrace.");
        }
        return leaves;
    }

    /// A partitioned table without partitions has no leaf.
    private static boolean exists(Connection connection, TableId table) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                                + " ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?")) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    private static Leaf leaf(TableId root, ResultSet row)
            throws SQLException, NotReadableException {
        TableId id = new TableId(row.getString("nspname"), row.getString("relname"));
        if (!row.getBoolean("member")) {
            throw new NotReadableException(
                    id
                            + " inherits from "
                            + root
                            + " without being a partition, and its changes are published under its own name",
                    "Make " + root + " a partitioned table, or end the inheritance.");
        }
        if (!row.getString("relkind").equals("r")) {
            throw new NotReadableException(
                    id + " is not an ordinary table, and the WAL does not contain its changes",
                    "Make it an ordinary table, or detach it from " + root + ".");
        }
        if (!row.getString("method").equals("heap")) {
            throw new NotReadableException(
                    id
                            + " has the table access method "
                            + row.getString("method")
                            + ", which has no scan of a range of pages",
                    "Set backfill: engine.");
        }
        long pages = row.getLong("pages");
        long countedPages = row.getLong("counted_pages");
        long countedRows = row.getLong("counted_rows");
        long estimate =
                countedPages > 0 && countedRows > 0
                        ? Math.round((double) countedRows * pages / countedPages)
                        : 0;
        return new Leaf(
                root,
                id,
                new LeafVersion(
                        row.getLong("oid"), row.getLong("file"), row.getString("inheritance")),
                pages,
                estimate);
    }

    /// Whether the leaf is still the one that was found. The caller holds a lock on it, which keeps
    /// it as it is. `pg_relation_filenode` gives the file that the lock protects, whatever the
    /// snapshot of the transaction is.
    static boolean isUnaltered(Connection connection, LeafVersion leaf) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(VERSION)) {
            statement.setLong(1, leaf.oid());
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        && row.getLong("file") == leaf.fileNode()
                        && row.getString("inheritance").equals(leaf.inheritance());
            }
        }
    }
}
