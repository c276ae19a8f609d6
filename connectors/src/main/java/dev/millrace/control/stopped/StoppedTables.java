package dev.millrace.control.stopped;

import dev.millrace.change.TableId;
import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// The stopped tables of a migration in `millrace.stopped_table`. A stop belongs to one generation:
/// the writer records it in the transaction that moves the stored offset of that generation, and
/// the next generation reads the table again. A table that continues keeps its row until it has
/// applied what it missed, also what is held. Uses the caller's connection and transaction.
/// Thread-safe.
public final class StoppedTables {

    private static final String READ =
            """
            SELECT s.target_schema, s.target_name, s.reason, s.partition, s.changes_offset,
                CASE WHEN s.counted THEN (SELECT coalesce(sum(r.changes), 0)::bigint
                    FROM millrace.rejected_changes r
                    WHERE (r.migration, r.generation, r.target_schema, r.target_name)
                        = (s.migration, s.generation, s.target_schema, s.target_name)) END,
                s.resumed_at IS NOT NULL, s.source_change
            FROM millrace.stopped_table s WHERE s.migration = ? AND s.generation = ?
            ORDER BY s.target_schema, s.target_name
            """;

    private static final String ADD =
            """
            INSERT INTO millrace.stopped_table
                (migration, generation, target_schema, target_name, reason, partition,
                changes_offset, shape, counted)
            VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, ''), true)
            ON CONFLICT (migration, generation, target_schema, target_name) DO UPDATE
                SET reason = excluded.reason, partition = excluded.partition,
                changes_offset = excluded.changes_offset, shape = excluded.shape,
                at = clock_timestamp(), resumed_at = NULL
                WHERE stopped_table.resumed_at IS NOT NULL
            """;

    private static final String MISSED =
            "SELECT FROM millrace.rejected_changes r"
                    + " WHERE (r.migration, r.generation, r.target_schema, r.target_name)"
                    + " = (s.migration, s.generation, s.target_schema, s.target_name)";

    private static final String REFUSING =
            "SELECT s.target_schema, s.target_name FROM millrace.stopped_table s"
                    + " WHERE s.migration = ? AND s.generation = ? AND (s.resumed_at IS NULL OR EXISTS ("
                    + MISSED;

    /// A table that continues has missed changes only in some partitions; in the others its changes
    /// are applied.
    private static final String IN_PARTITION = REFUSING + " AND r.partition = ?))";

    private static final String IN_ANY_PARTITION = REFUSING + "))";

    private static final String PAUSE =
            """
            INSERT INTO millrace.stopped_table
                (migration, generation, target_schema, target_name, reason, partition,
                changes_offset, counted, source_change)
            VALUES (?, ?, ?, ?, ?, 0, 0, true, ?)
            ON CONFLICT (migration, generation, target_schema, target_name) DO UPDATE
                SET reason = excluded.reason, source_change = excluded.source_change, shape = NULL,
                at = clock_timestamp(), resumed_at = NULL
            """;

    private static final String OF_TABLE =
            " WHERE migration = ? AND generation = ? AND target_schema = ? AND target_name = ?";

    /// A shape that no table has, so that the table continues by itself.
    private static final String RESTORED =
            "UPDATE millrace.stopped_table SET source_change = NULL, shape = 'restored'"
                    + OF_TABLE
                    + " AND source_change IS NOT NULL";

    private static final String RESUME =
            "UPDATE millrace.stopped_table SET resumed_at = clock_timestamp()"
                    + OF_TABLE
                    + " AND source_change IS NULL";

    private static final String LOCK =
            "SELECT FROM millrace.stopped_table" + OF_TABLE + " FOR UPDATE";

    private static final String LOCK_CONTINUING =
            "SELECT FROM millrace.stopped_table WHERE migration = ? AND generation = ?"
                    + " AND resumed_at IS NOT NULL FOR UPDATE";

    /// A key that is held since the table caught up has an older change than the stored watermark,
    /// so no wait for a watermark is a wait for it: until it is released, the table is stopped.
    private static final String IS_COMPLETE =
            " AND resumed_at IS NOT NULL AND source_change IS NULL AND NOT EXISTS ("
                    + MISSED
                    + ") AND NOT EXISTS (SELECT FROM millrace.parked_key k"
                    + " WHERE (k.migration, k.generation, k.target_schema, k.target_name)"
                    + " = (s.migration, s.generation, s.target_schema, s.target_name)"
                    + " AND k.state = 'held')";

    private static final String END =
            "DELETE FROM millrace.stopped_table s" + OF_TABLE + IS_COMPLETE;

    private static final String END_ALL =
            "DELETE FROM millrace.stopped_table s WHERE migration = ? AND generation = ?"
                    + IS_COMPLETE;

    private static final String SAME_TABLE =
            "SELECT to_regclass(?) IS NULL, to_regclass(?)::oid = (SELECT table_oid"
                    + " FROM millrace.target_table WHERE migration = ? AND target = ?)";

    private static final String CONTINUES =
            "It continues: the changes that it missed are applied, then its held keys are tried"
                    + " again. If this does not end, see 'millrace rejected list'.";

    private final String migration;

    public StoppedTables(String migration) {
        this.migration = migration;
    }

    /// A target table whose changes are no longer applied, because one of them could not be applied
    /// exactly.
    ///
    /// @param reason what happened, why, and what to do; contains no value of a row
    /// @param changesOffset the offset in the changes topic's partition from which on no change of
    ///   the table was applied
    public record StoppedTable(TableId table, String reason, int partition, long changesOffset) {}

    /// @param rejected changes that were not applied since the table stopped, including the one
    ///   that stopped it; empty for a table that stopped before changes were counted
    /// @param continues whether the table was allowed to continue; it applies what it missed
    /// @param sourceChange the change of the source table that must be accepted first
    public record Counted(
            StoppedTable table,
            Optional<Long> rejected,
            boolean continues,
            Optional<String> sourceChange) {}

    /// Whether the target table is the one that the generation began with.
    public enum Identity {
        SAME,
        ANOTHER,
        MISSING
    }

    /// The tables that stopped in a generation, with their counts, in one snapshot.
    public List<Counted> read(Connection connection, int generation) throws SQLException {
        return Statements.list(connection, READ, StoppedTables::counted, migration, generation);
    }

    /// The stop of one table in a generation.
    public Optional<Counted> find(Connection connection, int generation, TableId table)
            throws SQLException {
        return read(connection, generation).stream()
                .filter(stopped -> stopped.table().table().equals(table))
                .findFirst();
    }

    /// The tables whose changes in the partition are not applied.
    public Set<TableId> in(Connection connection, int generation, int partition)
            throws SQLException {
        return new HashSet<>(
                Statements.list(
                        connection,
                        IN_PARTITION,
                        row -> new TableId(row.getString(1), row.getString(2)),
                        migration,
                        generation,
                        partition));
    }

    /// The tables whose changes in any partition are not applied. One that has applied what it
    /// missed, and waits for held keys only, is not among them.
    public Set<TableId> in(Connection connection, int generation) throws SQLException {
        return new HashSet<>(
                Statements.list(
                        connection,
                        IN_ANY_PARTITION,
                        row -> new TableId(row.getString(1), row.getString(2)),
                        migration,
                        generation));
    }

    /// Whether the rows that were applied before can be in the table.
    public Identity identity(Connection connection, TableId table) throws SQLException {
        String name = Identifier.quote(table);
        return Statements.one(
                connection,
                SAME_TABLE,
                row ->
                        row.getBoolean(1)
                                ? Identity.MISSING
                                : row.getBoolean(2) ? Identity.SAME : Identity.ANOTHER,
                name,
                name,
                migration,
                name);
    }

    /// Lets a stopped table continue, in a transaction that has the stored offsets of all
    /// partitions locked.
    public void resume(Connection connection, int generation, TableId table) throws SQLException {
        Statements.update(connection, RESUME, migration, generation, table.schema(), table.name());
        end(connection, generation, table);
    }

    /// Removes the stop of a table that continues, if it has neither missed changes nor held keys
    /// any more. Call it after [#lock].
    public void end(Connection connection, int generation, TableId table) throws SQLException {
        Statements.update(connection, END, migration, generation, table.schema(), table.name());
    }

    /// The same for every table, after keys were released.
    public void endAll(Connection connection, int generation) throws SQLException {
        if (!Statements.list(connection, LOCK_CONTINUING, _ -> true, migration, generation)
                .isEmpty()) {
            Statements.update(connection, END_ALL, migration, generation);
        }
    }

    /// Locks the stop, so that of two partitions that end at once the second one sees both.
    public void lock(Connection connection, int generation, TableId table) throws SQLException {
        Statements.first(
                connection, LOCK, _ -> true, migration, generation, table.schema(), table.name());
    }

    /// Stops tables because the definition of their source table has changed.
    ///
    /// @param control the database that contains the control schema
    /// @param reasons by table
    public void pause(
            Database control, int generation, Map<TableId, String> reasons, String sourceChange)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            for (Map.Entry<TableId, String> each : reasons.entrySet()) {
                Statements.update(
                        connection,
                        PAUSE,
                        migration,
                        generation,
                        each.getKey().schema(),
                        each.getKey().name(),
                        each.getValue(),
                        sourceChange);
            }
        }
    }

    /// The tables that stopped in a generation because the definition of a source table changed.
    ///
    /// @param control the database that contains the control schema
    public Set<TableId> forSourceChanges(Database control, int generation) throws SQLException {
        try (Connection connection = control.pooled()) {
            return read(connection, generation).stream()
                    .filter(stop -> stop.sourceChange().isPresent())
                    .map(stop -> stop.table().table())
                    .collect(Collectors.toSet());
        }
    }

    /// The definition of the source tables is the expected one: of these tables, those that were
    /// stopped for it continue by themselves.
    ///
    /// @param control the database that contains the control schema
    public void restored(Database control, int generation, Collection<TableId> tables)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            for (Counted stop : read(connection, generation)) {
                TableId table = stop.table().table();
                if (stop.sourceChange().isPresent() && tables.contains(table)) {
                    Statements.update(
                            connection,
                            RESTORED,
                            migration,
                            generation,
                            table.schema(),
                            table.name());
                }
            }
        }
    }

    /// Records a stop. The reason of a table that is stopped already is kept; one that continues is
    /// stopped again.
    ///
    /// @param shape the target's definition of the table, if another one may remove the cause;
    ///   empty otherwise
    public void add(Connection connection, int generation, StoppedTable table, String shape)
            throws SQLException {
        Statements.update(
                connection,
                ADD,
                migration,
                generation,
                table.table().schema(),
                table.table().name(),
                table.reason(),
                table.partition(),
                table.changesOffset(),
                shape);
    }

    private static Counted counted(ResultSet row) throws SQLException {
        return new Counted(
                new StoppedTable(
                        new TableId(row.getString(1), row.getString(2)),
                        row.getBoolean(7) ? CONTINUES : row.getString(3),
                        row.getInt(4),
                        row.getLong(5)),
                Optional.ofNullable(row.getObject(6, Long.class)),
                row.getBoolean(7),
                Optional.ofNullable(row.getString(8)));
    }
}
