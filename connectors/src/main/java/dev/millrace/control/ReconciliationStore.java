package dev.millrace.control;

import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// The reports of reconciliations in `millrace.reconciliation`, as JSON with the content that was
/// reported (PostgreSQL chooses the order of its fields). Each call opens its own session.
/// Thread-safe.
public final class ReconciliationStore {

    private static final String SAVE =
            """
            INSERT INTO millrace.reconciliation
                (id, migration, generation, verdict, started_at, finished_at, report)
            VALUES (?, ?, ?, ?, ?, ?, ?::jsonb)
            ON CONFLICT (id) DO UPDATE SET verdict = excluded.verdict,
                finished_at = excluded.finished_at, report = excluded.report
            """;

    private static final String SELECT =
            """
            SELECT id, generation, verdict, started_at, finished_at, report
            FROM millrace.reconciliation WHERE migration = ?
            """;

    private static final String OF_ALL =
            "report->>'reason' IS NULL"
                    + " AND jsonb_path_query_array(report, '$.tables[*].target') @> to_jsonb(?::text[])";

    /// A report without methods is one of all rows.
    private static final String ALL_ROWS =
            " AND NOT jsonb_path_exists(report,"
                    + " '$.tables[*].method ? (!(@ starts with \"all rows\"))')";

    private static final String LATEST = " ORDER BY finished_at DESC LIMIT 1";

    private final Database control;
    private final String migration;

    /// @param control the database that contains the control schema
    public ReconciliationStore(Database control, String migration) {
        this.control = control;
        this.migration = migration;
    }

    /// @param verdict as in the report: `equal`, `different`, `undecided`
    /// @param json the report
    public record Stored(
            UUID id,
            int generation,
            String verdict,
            Instant startedAt,
            Instant finishedAt,
            String json) {}

    /// A report of the same reconciliation, which was continued, is replaced.
    public void save(Stored report) throws SQLException {
        try (Connection connection = open()) {
            Statements.update(
                    connection,
                    SAVE,
                    report.id(),
                    migration,
                    report.generation(),
                    report.verdict(),
                    report.startedAt(),
                    report.finishedAt(),
                    report.json());
        }
    }

    public Optional<Stored> find(UUID id) throws SQLException {
        return first(SELECT + " AND id = ?", migration, id);
    }

    /// The latest report of a generation that counts for all of these target tables: it is on all
    /// of them, or it found one of them different. A report that some tables are equal says nothing
    /// about the others; a cancelled report says nothing about any.
    public Optional<Stored> latest(int generation, Collection<String> targets) throws SQLException {
        String[] names = targets.toArray(String[]::new);
        return first(
                SELECT
                        + " AND generation = ? AND ("
                        + OF_ALL
                        + " OR EXISTS (SELECT FROM jsonb_array_elements(report->'tables') t"
                        + " WHERE t->>'target' = ANY (?::text[]) AND t->>'verdict' = 'different'))"
                        + LATEST,
                migration,
                generation,
                names,
                names);
    }

    /// The latest report of a generation on all of these target tables.
    public Optional<Stored> latestOfAll(int generation, Collection<String> targets)
            throws SQLException {
        return first(
                SELECT + " AND generation = ? AND " + OF_ALL + LATEST,
                migration,
                generation,
                targets.toArray(String[]::new));
    }

    /// The latest report of a generation for which all rows of all of these target tables were
    /// compared.
    public Optional<Stored> latestOfAllRows(int generation, Collection<String> targets)
            throws SQLException {
        return first(
                SELECT + " AND generation = ? AND " + OF_ALL + ALL_ROWS + LATEST,
                migration,
                generation,
                targets.toArray(String[]::new));
    }

    /// A report without its content.
    public record Recent(UUID id, String verdict, Instant startedAt, Instant finishedAt) {}

    /// The latest reports of every generation, the newest first.
    public List<Recent> recent(int most) throws SQLException {
        try (Connection connection = open()) {
            return Statements.list(
                    connection,
                    "SELECT id, verdict, started_at, finished_at FROM millrace.reconciliation"
                            + " WHERE migration = ? ORDER BY finished_at DESC LIMIT ?",
                    row ->
                            new Recent(
                                    row.getObject(1, UUID.class),
                                    row.getString(2),
                                    row.getObject(3, OffsetDateTime.class).toInstant(),
                                    row.getObject(4, OffsetDateTime.class).toInstant()),
                    migration,
                    most);
        }
    }

    private Optional<Stored> first(String sql, Object... parameters) throws SQLException {
        try (Connection connection = open()) {
            return Statements.first(connection, sql, ReconciliationStore::stored, parameters);
        }
    }

    private Connection open() throws SQLException {
        return control.connect("reconcile");
    }

    private static Stored stored(ResultSet row) throws SQLException {
        return new Stored(
                row.getObject(1, UUID.class),
                row.getInt(2),
                row.getString(3),
                row.getObject(4, OffsetDateTime.class).toInstant(),
                row.getObject(5, OffsetDateTime.class).toInstant(),
                row.getString(6));
    }
}
