package dev.millrace.control.stopped;

import dev.millrace.change.TableId;
import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// The target tables of a migration in `millrace.lost_changes`: the stream lacks changes of them,
/// and their rows must be read again. A row belongs to one generation, because the next one reads
/// every table. It is written before the log has a watermark after the loss, and removed when the
/// target has what was read: a snapshot of the target without it has every change. Thread-safe.
public final class LostChanges {

    private static final String ADD =
            """
            INSERT INTO millrace.lost_changes AS l
                (migration, generation, target_schema, target_name, reason, whole)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (migration, generation, target_schema, target_name) DO UPDATE
                SET reason = excluded.reason, whole = l.whole OR excluded.whole,
                findings = l.findings + 1, at = clock_timestamp()
            """;

    private static final String SELECT =
            """
            SELECT target_schema, target_name, reason, whole FROM millrace.lost_changes
            WHERE migration = ? AND generation = ?
            """;

    private static final String COVER =
            """
            UPDATE millrace.lost_changes SET operation = ?, covered = findings, whole = whole OR ?
            WHERE migration = ? AND generation = ? AND target_schema || '.' || target_name = ?
            """;

    private static final String READ =
            "DELETE FROM millrace.lost_changes WHERE operation = ? AND covered = findings";

    private final String migration;

    public LostChanges(String migration) {
        this.migration = migration;
    }

    /// @param reason what has changed on the source, for an operator
    /// @param whole whether every row must be read; otherwise only the partitions that were not
    ///   read as they are now
    public record Lost(TableId target, String reason, boolean whole) {}

    /// Adds tables, in one transaction.
    public void add(
            Database control,
            int generation,
            Collection<TableId> targets,
            String reason,
            boolean whole)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            connection.setAutoCommit(false);
            try {
                for (TableId target : targets) {
                    Statements.update(
                            connection,
                            ADD,
                            migration,
                            generation,
                            target.schema(),
                            target.name(),
                            reason,
                            whole);
                }
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    /// The tables of a generation, the oldest loss first.
    public List<Lost> of(Database control, int generation) throws SQLException {
        try (Connection connection = control.pooled()) {
            return of(connection, generation);
        }
    }

    private List<Lost> of(Connection connection, int generation) throws SQLException {
        return Statements.list(
                connection,
                SELECT + " ORDER BY at, target_schema, target_name",
                LostChanges::lost,
                migration,
                generation);
    }

    /// Uses the caller's transaction.
    public Optional<Lost> find(Connection connection, int generation, TableId target)
            throws SQLException {
        return of(connection, generation).stream()
                .filter(lost -> lost.target().equals(target))
                .findFirst();
    }

    /// The table that a re-backfill reads because of its loss.
    public Optional<Lost> coveredBy(Database control, int generation, UUID operation)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.first(
                    connection,
                    SELECT + " AND operation = ?",
                    LostChanges::lost,
                    migration,
                    generation,
                    operation);
        }
    }

    /// Notes that a re-backfill which begins now reads what was lost of a table so far.
    ///
    /// @param target the table as `schema.name`
    /// @param whole whether it reads every row in any case
    public void cover(
            Database control, int generation, String target, UUID operation, boolean whole)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(connection, COVER, operation, whole, migration, generation, target);
        }
    }

    /// The target has what the re-backfill read. A table of which more was lost meanwhile stays.
    public void read(Database control, UUID operation) throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(connection, READ, operation);
        }
    }

    private static Lost lost(ResultSet row) throws SQLException {
        return new Lost(
                new TableId(row.getString(1), row.getString(2)),
                row.getString(3),
                row.getBoolean(4));
    }
}
