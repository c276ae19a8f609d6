package dev.millrace.control;

import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.Sessions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.Optional;
import java.util.UUID;

/// Reports of reconciliations in the control schema, each as JSON of the content that was shown
/// (the order of its fields is PostgreSQL's). Holds no connection between calls; safe for any
/// thread.
public final class ReconciliationStore {

    private static final String SAVE =
            """
            INSERT INTO millrace.reconciliation
                (id, migration, generation, verdict, started_at, finished_at, report)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """;

    private static final String SELECT =
            """
            SELECT id, generation, verdict, started_at, finished_at, report
            FROM millrace.reconciliation WHERE migration = ?
            """;

    private static final String OF_ALL =
            "report->>'reason' IS NULL"
                    + " AND jsonb_path_query_array(report, '$.tables[*].target') @> to_jsonb(?::text[])";

    private static final String LATEST = " ORDER BY finished_at DESC LIMIT 1";

    private final String migration;
    private final Sessions target;

    public ReconciliationStore(String migration, Sessions target) {
        this.migration = migration;
        this.target = target;
    }

    public void save(Stored report) throws SQLException {
        try (Connection connection = target.open();
                var statement = connection.prepareStatement(SAVE)) {
            statement.setObject(1, report.id());
            statement.setString(2, migration);
            statement.setInt(3, report.generation());
            statement.setString(4, report.verdict());
            statement.setObject(5, report.startedAt().atOffset(ZoneOffset.UTC));
            statement.setObject(6, report.finishedAt().atOffset(ZoneOffset.UTC));
            statement.setObject(7, report.json(), Types.OTHER);
            statement.executeUpdate();
        }
    }

    public Optional<Stored> find(UUID id) {
        return first(SELECT + " AND id = ?", id);
    }

    /// The latest report of a generation that speaks for all of these target tables: it is on all
    /// of them, or it found one of them different. That some are equal says nothing of the rest,
    /// nor does a report that was cancelled.
    public Optional<Stored> latest(int generation, Collection<String> targets) {
        String[] names = targets.toArray(String[]::new);
        return first(
                SELECT
                        + " AND generation = ? AND ("
                        + OF_ALL
                        + " OR EXISTS (SELECT FROM jsonb_array_elements(report->'tables') t"
                        + " WHERE t->>'target' = ANY (?::text[]) AND t->>'verdict' = 'different'))"
                        + LATEST,
                generation,
                names,
                names);
    }

    /// The latest report of a generation on all of these target tables.
    public Optional<Stored> latestOfAll(int generation, Collection<String> targets) {
        return first(
                SELECT + " AND generation = ? AND " + OF_ALL + LATEST,
                generation,
                targets.toArray(String[]::new));
    }

    private Optional<Stored> first(String sql, Object... more) {
        try (Connection connection = target.open();
                var statement = connection.prepareStatement(sql)) {
            statement.setString(1, migration);
            for (int i = 0; i < more.length; i++) {
                statement.setObject(i + 2, more[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? Optional.of(read(rows)) : Optional.empty();
            }
        } catch (SQLException e) {
            throw new ReadFailed("target", e);
        }
    }

    private static Stored read(ResultSet rows) throws SQLException {
        return new Stored(
                rows.getObject(1, UUID.class),
                rows.getInt(2),
                rows.getString(3),
                rows.getObject(4, OffsetDateTime.class).toInstant(),
                rows.getObject(5, OffsetDateTime.class).toInstant(),
                rows.getString(6));
    }

    /// @param verdict in the words of the report: `equal`, `different`, `undecided`
    /// @param json the report
    public record Stored(
            UUID id,
            int generation,
            String verdict,
            Instant startedAt,
            Instant finishedAt,
            String json) {}
}
