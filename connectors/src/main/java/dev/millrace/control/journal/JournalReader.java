package dev.millrace.control.journal;

import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;

/// Reads the journal of one migration. Each call uses its own connection. Thread-safe.
///
/// @param control the database that contains the control schema
public record JournalReader(Database control, String migration) {

    private static final String EXISTS = "SELECT to_regclass('millrace.journal_head') IS NOT NULL";

    private static final String HEAD =
            "SELECT number, hash FROM millrace.journal_head WHERE migration = ?";

    private static final String ENTRIES =
            """
            SELECT number, at, who, phase, event, detail::text, previous, hash
            FROM millrace.journal WHERE migration = ? AND number > ? ORDER BY number LIMIT ?
            """;

    /// The newest entry; empty before the first.
    public Optional<JournalEntry.Head> head() throws SQLException {
        try (Connection connection = control.pooled()) {
            return head(connection);
        }
    }

    private Optional<JournalEntry.Head> head(Connection connection) throws SQLException {
        return Statements.first(
                connection,
                HEAD,
                row -> new JournalEntry.Head(row.getLong(1), row.getString(2)),
                migration);
    }

    /// Entries with higher numbers, in their order.
    ///
    /// @param number 0 for the first entries
    public List<JournalEntry> after(long number, int limit) throws SQLException {
        try (Connection connection = control.pooled()) {
            return after(connection, number, limit);
        }
    }

    private List<JournalEntry> after(Connection connection, long number, int limit)
            throws SQLException {
        return Statements.list(connection, ENTRIES, JournalReader::entry, migration, number, limit);
    }

    /// The whole journal at one moment, in a session of its own; empty if the database has no
    /// control schema.
    public Optional<JournalChain> chain() throws SQLException {
        try (Connection connection = control.connect("journal")) {
            if (!Statements.one(connection, EXISTS, row -> row.getBoolean(1))) {
                return Optional.empty();
            }
            connection.setAutoCommit(false);
            // One snapshot, so that an entry that is added meanwhile is in both or in neither.
            Statements.update(
                    connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
            JournalChain chain =
                    new JournalChain(
                            migration,
                            after(connection, Long.MIN_VALUE, Integer.MAX_VALUE),
                            head(connection));
            connection.rollback();
            return Optional.of(chain);
        }
    }

    private static JournalEntry entry(ResultSet row) throws SQLException {
        Instant at = row.getObject(2, OffsetDateTime.class).toInstant();
        return new JournalEntry(
                row.getLong(1),
                at,
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getString(8));
    }
}
