package dev.millrace.control.approval;

import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/// Requests that need two persons, in `millrace.approval`. Each change and its entry in the journal
/// are written by one statement, and only if the request is still in the state that the change
/// begins from. Each call uses its own pooled connection. Thread-safe.
public final class ApprovalStore implements ApprovalLog {

    private static final String ASK =
            """
            WITH noted AS (
                INSERT INTO millrace.journal (migration, who, phase, event, detail)
                VALUES (?, ?, ?, ?, jsonb_strip_nulls(
                    jsonb_build_object('what', ?::text, 'reason', NULLIF(?, '')))))
            INSERT INTO millrace.approval
                (id, migration, kind, requester, who, reason, forced, expected_phase, rename_old,
                request_key, requested_at, expires_at, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, NULLIF(?, ''), NULLIF(?, ''), NULLIF(?, ''), ?, ?,
                'pending')
            """;

    private static final String PENDING =
            """
            SELECT id, kind, requester, who, reason, forced, expected_phase, rename_old,
                request_key, requested_at, expires_at
            FROM millrace.approval WHERE migration = ? AND state = 'pending'
            ORDER BY requested_at
            """;

    private static final String APPROVE =
            """
            WITH changed AS (
                UPDATE millrace.approval SET state = 'approved', approver = ?
                WHERE migration = ? AND id = ? AND state = 'pending' AND requester <> ?
                    AND expires_at > ?
                RETURNING id)
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            SELECT ?, ?, ?, ?, jsonb_strip_nulls(
                jsonb_build_object('what', ?::text, 'reason', NULLIF(?, ''))) FROM changed
            """;

    private static final String SETTLE =
            """
            WITH changed AS (
                UPDATE millrace.approval SET state = ?, approver = NULL
                WHERE migration = ? AND id = ? AND state = ?
                RETURNING id)
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            SELECT ?, ?, ?, ?, jsonb_strip_nulls(
                jsonb_build_object('what', ?::text, 'reason', NULLIF(?, ''))) FROM changed
            """;

    private final Database control;
    private final String migration;

    /// @param control the database that contains the control schema
    public ApprovalStore(Database control, String migration) {
        this.control = control;
        this.migration = migration;
    }

    @Override
    public void ask(Request request, Note note) throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(
                    connection,
                    ASK,
                    migration,
                    note.who(),
                    note.phase(),
                    note.event(),
                    note.what(),
                    note.reason(),
                    request.id(),
                    migration,
                    request.kind(),
                    request.requester(),
                    request.who(),
                    request.reason(),
                    String.join(",", new TreeSet<>(request.forced())),
                    request.expectedPhase().orElse(""),
                    request.renameOld().orElse(""),
                    request.requestKey().orElse(""),
                    request.requestedAt(),
                    request.expiresAt());
        }
    }

    @Override
    public List<Request> pending() throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.list(connection, PENDING, ApprovalStore::request, migration);
        }
    }

    @Override
    public boolean approve(UUID id, String approver, Instant now, Note note) throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.update(
                            connection,
                            APPROVE,
                            approver,
                            migration,
                            id,
                            approver,
                            now,
                            migration,
                            note.who(),
                            note.phase(),
                            note.event(),
                            note.what(),
                            note.reason())
                    == 1;
        }
    }

    @Override
    public boolean settle(UUID id, String from, String to, Note note) throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.update(
                            connection,
                            SETTLE,
                            to,
                            migration,
                            id,
                            from,
                            migration,
                            note.who(),
                            note.phase(),
                            note.event(),
                            note.what(),
                            note.reason())
                    == 1;
        }
    }

    private static Request request(ResultSet row) throws SQLException {
        String forced = row.getString(6);
        return new Request(
                row.getObject(1, UUID.class),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                forced.isEmpty() ? Set.of() : Set.of(forced.split(",")),
                Optional.ofNullable(row.getString(7)),
                Optional.ofNullable(row.getString(8)),
                Optional.ofNullable(row.getString(9)),
                row.getObject(10, OffsetDateTime.class).toInstant(),
                row.getObject(11, OffsetDateTime.class).toInstant());
    }
}
