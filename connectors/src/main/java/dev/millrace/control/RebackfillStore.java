package dev.millrace.control;

import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.UUID;

/// The re-backfills of a migration in `millrace.rebackfill`. Each change and its entry in the
/// journal are written by one statement, which changes nothing if another process has run the
/// migration since: then [Superseded] is thrown. Each call uses its own pooled connection.
/// Thread-safe.
public final class RebackfillStore {

    private static final String NOTED =
            """
            , noted AS (
                INSERT INTO millrace.journal (migration, who, phase, event, detail)
                SELECT ?, ?, ?, 'rebackfill', jsonb_strip_nulls(jsonb_build_object('operation', ?::text,
                    'step', ?::text, 'what', NULLIF(?, ''), 'reason', NULLIF(?, '')))
                FROM changed)
            SELECT count(*) FROM changed
            """;

    private static final String BEGIN =
            """
            WITH changed AS (
                INSERT INTO millrace.rebackfill (id, migration, target, generation, step, who, reason, request_key)
                SELECT ?, ?, NULLIF(?, ''), ?, ?, ?, ?, NULLIF(?, '') WHERE %s RETURNING id)
            """
                            .formatted(OperationStore.OWNED)
                    + NOTED;

    private static final String ENTER =
            """
            WITH changed AS (
                UPDATE millrace.rebackfill SET step = ?, swept = ?, removed = ?, unreadable = ?,
                    outcome = NULLIF(?, ''),
                    finished_at = CASE WHEN ? THEN clock_timestamp() END
                WHERE id = ? AND finished_at IS NULL AND %s RETURNING id)
            """
                            .formatted(OperationStore.OWNED)
                    + NOTED;

    private static final String SELECT =
            """
            SELECT id, target, generation, step, swept, removed, unreadable, who, reason, started_at,
                finished_at, outcome
            FROM millrace.rebackfill WHERE migration = ?
            """;

    private final Database control;
    private final String migration;
    private final long epoch;

    /// @param control the database that contains the control schema
    /// @param epoch of the migration's owner, from [OwnerStore#epoch()]
    public RebackfillStore(Database control, String migration, long epoch) {
        this.control = control;
        this.migration = migration;
        this.epoch = epoch;
    }

    /// @param target the target table as `schema.name`; empty for the whole migration
    /// @param generation the generation whose log the rows are read into
    /// @param finishedAt empty while the re-backfill is not finished
    public record StoredRebackfill(
            UUID id,
            Optional<String> target,
            int generation,
            String step,
            Sweep sweep,
            String who,
            String reason,
            Instant startedAt,
            Optional<Instant> finishedAt,
            Optional<String> outcome) {}

    /// What the sweep found.
    ///
    /// @param keys rows of the target that were looked up on the source
    /// @param removed those of them that the source does not have
    /// @param unreadable those of them whose key is no value of the source's types; they remain
    public record Sweep(long keys, long removed, long unreadable) {

        public static final Sweep NOTHING = new Sweep(0, 0, 0);

        public Sweep plus(Sweep other) {
            return new Sweep(
                    keys + other.keys, removed + other.removed, unreadable + other.unreadable);
        }
    }

    /// What a re-backfill begins with.
    public record Beginning(
            UUID id,
            Optional<String> target,
            int generation,
            String step,
            String who,
            String reason,
            Optional<String> requestKey) {}

    /// A step that is reached.
    ///
    /// @param what is noted in the journal; empty for nothing
    /// @param isFinished no later step follows; `what` is the outcome then
    public record Reached(String step, Sweep sweep, String what, boolean isFinished) {}

    public void begin(Beginning begun, String phase) throws SQLException {
        OperationStore.change(
                control,
                BEGIN,
                begun.id(),
                migration,
                begun.target().orElse(""),
                begun.generation(),
                begun.step(),
                begun.who(),
                begun.reason(),
                begun.requestKey().orElse(""),
                migration,
                epoch,
                migration,
                begun.who(),
                phase,
                begun.id().toString(),
                begun.step(),
                begun.target().orElse("every table"),
                begun.reason());
    }

    public void enter(StoredRebackfill known, Reached next, String phase) throws SQLException {
        OperationStore.change(
                control,
                ENTER,
                next.step(),
                next.sweep().keys(),
                next.sweep().removed(),
                next.sweep().unreadable(),
                next.isFinished() ? next.what() : "",
                next.isFinished(),
                known.id(),
                migration,
                epoch,
                migration,
                known.who(),
                phase,
                known.id().toString(),
                next.step(),
                next.what(),
                "");
    }

    /// The one that is not finished.
    public Optional<StoredRebackfill> unfinished() throws SQLException {
        return first(" AND finished_at IS NULL");
    }

    public Optional<StoredRebackfill> find(UUID id) throws SQLException {
        return first(" AND id = ?", id);
    }

    /// The one that was begun with this idempotency key.
    public Optional<StoredRebackfill> requested(String requestKey) throws SQLException {
        return first(" AND request_key = ?", requestKey);
    }

    private Optional<StoredRebackfill> first(String condition, Object... parameter)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            Object[] parameters = new Object[parameter.length + 1];
            parameters[0] = migration;
            System.arraycopy(parameter, 0, parameters, 1, parameter.length);
            return Statements.first(
                    connection, SELECT + condition, RebackfillStore::stored, parameters);
        }
    }

    private static StoredRebackfill stored(ResultSet row) throws SQLException {
        return new StoredRebackfill(
                row.getObject(1, UUID.class),
                Optional.ofNullable(row.getString(2)),
                row.getInt(3),
                row.getString(4),
                new Sweep(row.getLong(5), row.getLong(6), row.getLong(7)),
                row.getString(8),
                row.getString(9),
                row.getObject(10, OffsetDateTime.class).toInstant(),
                Optional.ofNullable(row.getObject(11, OffsetDateTime.class))
                        .map(OffsetDateTime::toInstant),
                Optional.ofNullable(row.getString(12)));
    }
}
