package dev.millrace.control;

import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/// The operations that move the traffic of a migration, in `millrace.operation` and
/// `millrace.operation_step`. Each change of an operation and its entry in the journal are written
/// by one statement, which changes nothing if another process has run the migration since: then
/// [Superseded] is thrown. Each call uses its own pooled connection. Thread-safe.
public final class OperationStore {

    /// True while the owner of the migration is the process that this store belongs to.
    public static final String OWNED =
            "EXISTS (SELECT FROM millrace.owner WHERE migration = ? AND epoch = ?)";

    private static final String NOTED =
            """
            , noted AS (
                INSERT INTO millrace.journal (migration, who, phase, event, detail)
                SELECT ?, ?, ?, ?, jsonb_strip_nulls(jsonb_build_object('operation', ?::text,
                    'step', NULLIF(?, ''), 'state', ?::text, 'what', NULLIF(?, ''),
                    'reason', NULLIF(?, ''),
                    'reverseWindowEndsAt', to_jsonb(changed) -> 'reverse_window_ends_at'))
                FROM changed)
            SELECT count(*) FROM changed
            """;

    private static final String BEGIN =
            """
            WITH changed AS (
                INSERT INTO millrace.operation (id, migration, kind, state, who, reason, request_key, gates)
                SELECT ?, ?, ?, ?, ?, ?, NULLIF(?, ''), ?::jsonb WHERE %s RETURNING id)
            """
                            .formatted(OWNED)
                    + NOTED;

    private static final String SET_STATE =
            """
            WITH changed AS (
                UPDATE millrace.operation SET state = ?, outcome = NULLIF(?, ''), pause_ms = NULLIF(?::bigint, -1),
                    finished_at = CASE WHEN ? THEN clock_timestamp() END,
                    reverse_window_ends_at = clock_timestamp() + make_interval(secs => NULLIF(?::bigint, -1))
                WHERE id = ? AND finished_at IS NULL AND %s RETURNING id, reverse_window_ends_at)
            """
                            .formatted(OWNED)
                    + NOTED;

    private static final String SET_STEP =
            """
            WITH changed AS (
                INSERT INTO millrace.operation_step AS known (operation, ordinal, name, state, note, finished_at)
                SELECT ?, ?, ?, ?, NULLIF(?, ''), CASE WHEN ? THEN clock_timestamp() END WHERE %s
                ON CONFLICT (operation, ordinal) DO UPDATE SET state = excluded.state,
                    note = excluded.note, finished_at = excluded.finished_at
                RETURNING operation)
            """
                            .formatted(OWNED)
                    + NOTED;

    private static final String SELECT =
            """
            SELECT id, kind, state, who, reason, started_at, finished_at, pause_ms, outcome, gates,
                request_key, reverse_window_ends_at
            FROM millrace.operation WHERE migration = ?
            """;

    private static final String STEPS =
            """
            SELECT ordinal, name, state, started_at, finished_at, note FROM millrace.operation_step
            WHERE operation = ? ORDER BY ordinal
            """;

    private final Database control;
    private final String migration;
    private final long epoch;

    /// @param control the database that contains the control schema
    /// @param epoch of the migration's owner, from [OwnerStore#epoch()]
    public OperationStore(Database control, String migration, long epoch) {
        this.control = control;
        this.migration = migration;
        this.epoch = epoch;
    }

    /// @param requestKey the client's idempotency key
    /// @param finishedAt empty while the operation is not finished
    /// @param pauseMs milliseconds in which the application could not write; empty while unknown
    /// @param gates JSON
    /// @param reverseWindowEndsAt empty if the operation is no switchover that is done
    public record StoredOperation(
            UUID id,
            String kind,
            String state,
            String who,
            String reason,
            Optional<String> requestKey,
            Instant startedAt,
            Optional<Instant> finishedAt,
            OptionalLong pauseMs,
            Optional<String> outcome,
            String gates,
            Optional<Instant> reverseWindowEndsAt,
            List<StoredStep> steps) {

        public StoredOperation {
            steps = List.copyOf(steps);
        }
    }

    /// @param ordinal the place of the step in its operation
    public record StoredStep(
            int ordinal,
            String name,
            String state,
            Instant startedAt,
            Optional<Instant> finishedAt,
            Optional<String> note) {}

    /// What an operation begins with.
    public record Beginning(
            UUID id,
            String kind,
            String state,
            String who,
            String reason,
            Optional<String> requestKey,
            String gates) {}

    /// A state of an operation.
    ///
    /// @param isFinished no later state follows
    /// @param reverseWindow the time from now for which the way back is meant to be kept
    public record OperationState(
            String state,
            boolean isFinished,
            Optional<String> outcome,
            OptionalLong pauseMs,
            Optional<Duration> reverseWindow) {}

    /// A state of a step.
    public record StepState(
            int ordinal, String name, String state, boolean isFinished, Optional<String> note) {}

    /// Another process has run the migration since this one lost its lock.
    public static final class Superseded extends RuntimeException {

        private static final long serialVersionUID = 1L;

        Superseded() {
            super(
                    "Another Millrace process has run the migration since. This process makes no further step. Stop it.");
        }
    }

    public void begin(Beginning begun, String phase) throws SQLException {
        change(
                control,
                BEGIN,
                begun.id(),
                migration,
                begun.kind(),
                begun.state(),
                begun.who(),
                begun.reason(),
                begun.requestKey().orElse(""),
                begun.gates(),
                migration,
                epoch,
                migration,
                begun.who(),
                phase,
                begun.kind(),
                begun.id().toString(),
                "",
                begun.state(),
                "",
                begun.reason());
    }

    public void enter(StoredOperation operation, OperationState next, String phase)
            throws SQLException {
        change(
                control,
                SET_STATE,
                next.state(),
                next.outcome().orElse(""),
                next.pauseMs().orElse(-1),
                next.isFinished(),
                next.reverseWindow().map(Duration::toSeconds).orElse(-1L),
                operation.id(),
                migration,
                epoch,
                migration,
                operation.who(),
                phase,
                operation.kind(),
                operation.id().toString(),
                "",
                next.state(),
                next.outcome().orElse(""),
                "");
    }

    public void enter(StoredOperation operation, StepState next, String phase) throws SQLException {
        change(
                control,
                SET_STEP,
                operation.id(),
                next.ordinal(),
                next.name(),
                next.state(),
                next.note().orElse(""),
                next.isFinished(),
                migration,
                epoch,
                migration,
                operation.who(),
                phase,
                operation.kind(),
                operation.id().toString(),
                next.name(),
                next.state(),
                next.note().orElse(""),
                "");
    }

    /// Runs a statement that changes nothing unless this process is the owner.
    ///
    /// @param sql returns how many rows it changed
    /// @throws Superseded when another process has run the migration since; nothing was changed
    public static void change(Database control, String sql, Object... parameters)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            change(connection, sql, parameters);
        }
    }

    /// The same in the transaction of a connection.
    ///
    /// @param sql returns how many rows it changed
    public static void change(Connection connection, String sql, Object... parameters)
            throws SQLException {
        if (Statements.one(connection, sql, row -> row.getLong(1), parameters) == 0) {
            throw new Superseded();
        }
    }

    /// The operation that is not finished.
    public Optional<StoredOperation> unfinished() throws SQLException {
        return first(" AND finished_at IS NULL");
    }

    public Optional<StoredOperation> find(UUID id) throws SQLException {
        return first(" AND id = ?", id);
    }

    /// The operation that was begun with this idempotency key.
    public Optional<StoredOperation> requested(String requestKey) throws SQLException {
        return first(" AND request_key = ?", requestKey);
    }

    /// The operation that was begun last.
    public Optional<StoredOperation> latest() throws SQLException {
        return first(" ORDER BY started_at DESC LIMIT 1");
    }

    /// The operation of a kind that reached a state last.
    public Optional<StoredOperation> latest(String kind, String state) throws SQLException {
        return first(" AND kind = ? AND state = ? ORDER BY started_at DESC LIMIT 1", kind, state);
    }

    private Optional<StoredOperation> first(String condition, Object... parameter)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            Object[] parameters = new Object[parameter.length + 1];
            parameters[0] = migration;
            System.arraycopy(parameter, 0, parameters, 1, parameter.length);
            return Statements.first(
                    connection, SELECT + condition, row -> stored(connection, row), parameters);
        }
    }

    private static StoredOperation stored(Connection connection, ResultSet row)
            throws SQLException {
        UUID id = row.getObject(1, UUID.class);
        long pause = row.getLong(8);
        boolean isPauseUnknown = row.wasNull();
        return new StoredOperation(
                id,
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                Optional.ofNullable(row.getString(11)),
                row.getObject(6, OffsetDateTime.class).toInstant(),
                instant(row, 7),
                isPauseUnknown ? OptionalLong.empty() : OptionalLong.of(pause),
                Optional.ofNullable(row.getString(9)),
                row.getString(10),
                instant(row, 12),
                Statements.list(connection, STEPS, OperationStore::step, id));
    }

    private static StoredStep step(ResultSet row) throws SQLException {
        return new StoredStep(
                row.getInt(1),
                row.getString(2),
                row.getString(3),
                row.getObject(4, OffsetDateTime.class).toInstant(),
                instant(row, 5),
                Optional.ofNullable(row.getString(6)));
    }

    private static Optional<Instant> instant(ResultSet row, int column) throws SQLException {
        return Optional.ofNullable(row.getObject(column, OffsetDateTime.class))
                .map(OffsetDateTime::toInstant);
    }
}
