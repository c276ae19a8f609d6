package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/// How much of a table waits.
///
/// @param keys that are held or parked
/// @param held how many of them are tried again by themselves: not those of a stopped table
/// @param changes of the keys that wait for an operator; a wait for a watermark is also a wait for
///   held ones
/// @param bytes of the changes of all these keys
public record ParkedSize(long keys, long held, long changes, long bytes) {

    /// How much waits: keys, those that are tried again by themselves, changes that wait for an
    /// operator, and bytes.
    private static final String SUMS =
            "count(*), count(*) FILTER (WHERE state = 'held' AND NOT "
                    + ParkedKeys.OF_A_STOPPED_TABLE
                    + "), coalesce(sum(changes) FILTER (WHERE state = 'parked' OR "
                    + ParkedKeys.OF_A_STOPPED_TABLE
                    + "), 0)::bigint, coalesce(sum(bytes), 0)::bigint";

    private static final String SIZE =
            "SELECT " + SUMS + ParkedKeys.OPEN + " AND target_schema = ? AND target_name = ?";

    private static final String SIZES =
            "SELECT target_schema, target_name, "
                    + SUMS
                    + ParkedKeys.OPEN
                    + " GROUP BY target_schema, target_name";

    /// Nothing waits.
    public static final ParkedSize NONE = new ParkedSize(0, 0, 0, 0);

    /// The keys that wait for an operator.
    public long parked() {
        return keys - held;
    }

    private static ParkedSize read(ResultSet row, int first) throws SQLException {
        return new ParkedSize(
                row.getLong(first),
                row.getLong(first + 1),
                row.getLong(first + 2),
                row.getLong(first + 3));
    }

    static ParkedSize read(Connection connection, String migration, int generation, TableId table)
            throws SQLException {
        return Statements.one(
                connection,
                SIZE,
                row -> read(row, 1),
                migration,
                generation,
                table.schema(),
                table.name());
    }

    static Map<TableId, ParkedSize> read(Connection connection, String migration, int generation)
            throws SQLException {
        Map<TableId, ParkedSize> sizes = new HashMap<>();
        Statements.list(
                        connection,
                        SIZES,
                        row ->
                                Map.entry(
                                        new TableId(row.getString(1), row.getString(2)),
                                        read(row, 3)),
                        migration,
                        generation)
                .forEach(each -> sizes.put(each.getKey(), each.getValue()));
        return sizes;
    }
}
