package dev.millrace.control.repair;

import dev.millrace.control.OperationStore;
import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The repairs of a migration in `millrace.repair`, and their keys in `millrace.repair_key`. Each
/// change of a repair and its entry in the journal are written by one statement, which changes
/// nothing if another process has run the migration since: then [OperationStore.Superseded] is
/// thrown. Each call uses its own pooled connection. Thread-safe.
public final class RepairStore {

    private static final String NOTED =
            """
            , noted AS (
                INSERT INTO millrace.journal (migration, who, phase, event, detail)
                SELECT ?, ?, ?, 'repair', jsonb_strip_nulls(jsonb_build_object('operation', ?::text,
                    'step', ?::text, 'dryRun', NULLIF(?, false), 'what', NULLIF(?, ''),
                    'reason', NULLIF(?, '')))
                FROM changed)
            SELECT count(*) FROM changed
            """;

    private static final String BEGIN =
            """
            WITH changed AS (
                INSERT INTO millrace.repair (id, migration, targets, only_actions, most,
                    rows_per_second, dry_run, generation, spec_hash, step, who, reason, request_key)
                SELECT ?, ?, ?, ?, NULLIF(?::bigint, -1), NULLIF(?::bigint, -1), ?, ?, ?, ?, ?, ?,
                    NULLIF(?, '') WHERE %s RETURNING id)
            """
                            .formatted(OperationStore.OWNED)
                    + NOTED;

    private static final String LISTED =
            """
            WITH changed AS (
                UPDATE millrace.repair SET step = ?, left_out = ?, uncompared = NULLIF(?, '')
                WHERE id = ? AND finished_at IS NULL AND %s RETURNING id)
            """
                            .formatted(OperationStore.OWNED)
                    + NOTED;

    private static final String ENTER =
            """
            WITH changed AS (
                UPDATE millrace.repair SET step = ?, verdict = NULLIF(?, ''), outcome = NULLIF(?, ''),
                    finished_at = CASE WHEN ? THEN clock_timestamp() END
                WHERE id = ? AND finished_at IS NULL AND %s RETURNING id)
            """
                            .formatted(OperationStore.OWNED)
                    + NOTED;

    private static final String CANCEL =
            """
            WITH changed AS (
                UPDATE millrace.repair SET cancelled = true
                WHERE id = ? AND finished_at IS NULL AND %s RETURNING id)
            """
                            .formatted(OperationStore.OWNED)
                    + NOTED;

    private static final String SELECT =
            """
            SELECT id, targets, only_actions, most, rows_per_second, dry_run, generation, spec_hash,
                step, left_out, uncompared, unreadable, cancelled, who, reason, started_at,
                finished_at, verdict, outcome
            FROM millrace.repair WHERE migration = ?
            """;

    private static final String RECENT = SELECT + " ORDER BY started_at DESC LIMIT ?";

    private static final String FORGET = "DELETE FROM millrace.repair_key WHERE repair = ?";

    private static final String ADD =
            """
            INSERT INTO millrace.repair_key (migration, repair, number, mapping, target, action,
                key_columns, key, columns)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """;

    private static final String KEYS =
            """
            SELECT number, mapping, target, action, key_columns, key, columns, written, differs
            FROM millrace.repair_key
            WHERE migration = ? AND repair = ? AND number > ? AND (NOT written OR ?)
            ORDER BY number LIMIT ?
            """;

    private static final String WRITTEN =
            """
            WITH mine AS (
                SELECT id FROM millrace.repair WHERE id = ? AND finished_at IS NULL AND %s),
            read AS (
                UPDATE millrace.repair_key SET written = true
                WHERE repair IN (SELECT id FROM mine) AND number BETWEEN ? AND ?)
            UPDATE millrace.repair SET unreadable = unreadable + ?
            WHERE id IN (SELECT id FROM mine)
            """
                    .formatted(OperationStore.OWNED);

    private static final String DIFFER =
            """
            UPDATE millrace.repair_key SET differs = number = ANY (?)
            WHERE repair = ? AND number BETWEEN ? AND ? AND %s
            """
                    .formatted(OperationStore.OWNED);

    private static final String COUNTS =
            """
            SELECT target, action, count(*), count(*) FILTER (WHERE written),
                count(*) FILTER (WHERE differs)
            FROM millrace.repair_key WHERE repair = ? GROUP BY target, action ORDER BY target, action
            """;

    /// Rows of one batch of the driver.
    private static final int BATCH = 1_000;

    private final Database control;
    private final String migration;
    private final long epoch;

    /// @param control the database that contains the control schema
    /// @param epoch of the migration's owner, from [dev.millrace.control.OwnerStore#epoch()]
    public RepairStore(Database control, String migration, long epoch) {
        this.control = control;
        this.migration = migration;
        this.epoch = epoch;
    }

    /// What an operator has asked for.
    ///
    /// @param targets target tables as `schema.name`; empty for all
    /// @param only the actions that are made; empty for all
    /// @param limit keys that are repaired at most
    public record Asked(
            List<String> targets,
            List<String> only,
            OptionalLong limit,
            OptionalLong rowsPerSecond,
            boolean dryRun,
            String who,
            String reason) {

        public Asked {
            targets = List.copyOf(targets);
            only = List.copyOf(only);
        }
    }

    /// @param generation the generation whose log the rows are written to
    /// @param specHash identifies the file in which the keys have their mappings
    /// @param leftOut keys that differ and are not listed
    /// @param uncompared what was not compared
    /// @param unreadable rows of the target whose key is no value of the source's types
    /// @param finishedAt empty while the repair is not finished
    /// @param verdict about the keys that differed; empty while the repair is not finished
    public record StoredRepair(
            UUID id,
            Asked asked,
            int generation,
            String specHash,
            String step,
            long leftOut,
            Optional<String> uncompared,
            long unreadable,
            boolean cancelled,
            Instant startedAt,
            Optional<Instant> finishedAt,
            Optional<String> verdict,
            Optional<String> outcome) {}

    /// @param number from 1, in the order in which the keys are repaired
    /// @param mapping its place in the order of target and source tables, from 0
    /// @param action what the repair does to the row of the target
    /// @param keyColumns of the target's key
    /// @param key their texts
    /// @param columns that differ, as far as they were compared
    /// @param written its row was read again and is in the log
    /// @param differs it still differs after that
    public record StoredKey(
            long number,
            int mapping,
            String target,
            String action,
            List<String> keyColumns,
            List<@Nullable String> key,
            List<String> columns,
            boolean written,
            boolean differs) {

        public StoredKey {
            keyColumns = List.copyOf(keyColumns);
            key = Collections.unmodifiableList(key);
            columns = List.copyOf(columns);
        }
    }

    /// How many keys of a table need an action, are written, and differ after that.
    public record Count(String target, String action, long keys, long written, long differing) {}

    /// @param step the first
    public void begin(
            UUID id,
            Asked asked,
            int generation,
            String specHash,
            String step,
            Optional<String> requestKey,
            String phase)
            throws SQLException {
        OperationStore.change(
                control,
                BEGIN,
                id,
                migration,
                asked.targets().toArray(String[]::new),
                asked.only().toArray(String[]::new),
                asked.limit().orElse(-1),
                asked.rowsPerSecond().orElse(-1),
                asked.dryRun(),
                generation,
                specHash,
                step,
                asked.who(),
                asked.reason(),
                requestKey.orElse(""),
                migration,
                epoch,
                migration,
                asked.who(),
                phase,
                id.toString(),
                step,
                asked.dryRun(),
                asked.targets().isEmpty() ? "every table" : String.join(", ", asked.targets()),
                asked.reason());
    }

    /// Stores the keys that differ, in place of earlier ones, and enters the next step.
    ///
    /// @param uncompared what was not compared; empty if everything was
    public void listed(
            StoredRepair known,
            String step,
            List<StoredKey> keys,
            long leftOut,
            String uncompared,
            String phase)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            connection.setAutoCommit(false);
            try {
                Statements.update(connection, FORGET, known.id());
                add(connection, known.id(), keys);
                OperationStore.change(
                        connection,
                        LISTED,
                        step,
                        leftOut,
                        uncompared,
                        known.id(),
                        migration,
                        epoch,
                        migration,
                        known.asked().who(),
                        phase,
                        known.id().toString(),
                        step,
                        known.asked().dryRun(),
                        differing(keys.size() + leftOut),
                        "");
                connection.commit();
            } catch (SQLException | RuntimeException e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    private static String differing(long keys) {
        return keys == 1 ? "1 key differs" : "%d keys differ".formatted(keys);
    }

    private void add(Connection connection, UUID repair, List<StoredKey> keys) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(ADD)) {
            int added = 0;
            for (StoredKey key : keys) {
                insert.setString(1, migration);
                insert.setObject(2, repair);
                insert.setLong(3, key.number());
                insert.setInt(4, key.mapping());
                insert.setString(5, key.target());
                insert.setString(6, key.action());
                insert.setArray(7, connection.createArrayOf("text", key.keyColumns().toArray()));
                insert.setArray(8, connection.createArrayOf("text", key.key().toArray()));
                insert.setArray(9, connection.createArrayOf("text", key.columns().toArray()));
                insert.addBatch();
                added++;
                if (added % BATCH == 0) {
                    insert.executeBatch();
                }
            }
            insert.executeBatch();
        }
    }

    public void enter(StoredRepair known, String step, String phase) throws SQLException {
        change(known, step, "", "", false, phase);
    }

    public void finish(
            StoredRepair known, String step, String verdict, String outcome, String phase)
            throws SQLException {
        change(known, step, verdict, outcome, true, phase);
    }

    private void change(
            StoredRepair known,
            String step,
            String verdict,
            String outcome,
            boolean isFinished,
            String phase)
            throws SQLException {
        OperationStore.change(
                control,
                ENTER,
                step,
                verdict,
                outcome,
                isFinished,
                known.id(),
                migration,
                epoch,
                migration,
                known.asked().who(),
                phase,
                known.id().toString(),
                step,
                known.asked().dryRun(),
                outcome,
                "");
    }

    /// Notes that the repair must end, and who wants it.
    public void cancel(StoredRepair known, String who, String reason, String phase)
            throws SQLException {
        OperationStore.change(
                control,
                CANCEL,
                known.id(),
                migration,
                epoch,
                migration,
                who,
                phase,
                known.id().toString(),
                known.step(),
                known.asked().dryRun(),
                "cancelled",
                reason);
    }

    /// Keys in their order.
    ///
    /// @param after the number of the last key that is known; 0 for the first ones
    public List<StoredKey> keys(UUID repair, long after, int limit) throws SQLException {
        return keys(repair, after, true, limit);
    }

    /// The same, without those that are written.
    public List<StoredKey> unwritten(UUID repair, long after, int limit) throws SQLException {
        return keys(repair, after, false, limit);
    }

    private List<StoredKey> keys(UUID repair, long after, boolean all, int limit)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.list(
                    connection, KEYS, RepairStore::key, migration, repair, after, all, limit);
        }
    }

    /// Stores that the rows of keys were read again.
    ///
    /// @param unreadable those that are no values of the source's types
    public void written(UUID repair, long first, long last, long unreadable) throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(
                    connection, WRITTEN, repair, migration, epoch, first, last, unreadable);
        }
    }

    /// Stores which keys of a range still differ.
    public void compared(UUID repair, long first, long last, Collection<Long> differing)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(
                    connection,
                    DIFFER,
                    differing.toArray(Long[]::new),
                    repair,
                    first,
                    last,
                    migration,
                    epoch);
        }
    }

    public List<Count> counts(UUID repair) throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.list(
                    connection,
                    COUNTS,
                    row ->
                            new Count(
                                    row.getString(1),
                                    row.getString(2),
                                    row.getLong(3),
                                    row.getLong(4),
                                    row.getLong(5)),
                    repair);
        }
    }

    /// The last ones, the newest first.
    public List<StoredRepair> recent(int limit) throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.list(connection, RECENT, RepairStore::stored, migration, limit);
        }
    }

    /// The one that is not finished.
    public Optional<StoredRepair> unfinished() throws SQLException {
        return first(" AND finished_at IS NULL");
    }

    public Optional<StoredRepair> find(UUID id) throws SQLException {
        return first(" AND id = ?", id);
    }

    /// The one that was begun with this idempotency key.
    public Optional<StoredRepair> requested(String requestKey) throws SQLException {
        return first(" AND request_key = ?", requestKey);
    }

    private Optional<StoredRepair> first(String condition, Object... parameter)
            throws SQLException {
        try (Connection connection = control.pooled()) {
            Object[] parameters = new Object[parameter.length + 1];
            parameters[0] = migration;
            System.arraycopy(parameter, 0, parameters, 1, parameter.length);
            return Statements.first(
                    connection, SELECT + condition, RepairStore::stored, parameters);
        }
    }

    private static StoredRepair stored(ResultSet row) throws SQLException {
        return new StoredRepair(
                row.getObject(1, UUID.class),
                new Asked(
                        texts(row.getArray(2)),
                        texts(row.getArray(3)),
                        optional(row, 4),
                        optional(row, 5),
                        row.getBoolean(6),
                        row.getString(14),
                        row.getString(15)),
                row.getInt(7),
                row.getString(8),
                row.getString(9),
                row.getLong(10),
                Optional.ofNullable(row.getString(11)),
                row.getLong(12),
                row.getBoolean(13),
                row.getObject(16, OffsetDateTime.class).toInstant(),
                Optional.ofNullable(row.getObject(17, OffsetDateTime.class))
                        .map(OffsetDateTime::toInstant),
                Optional.ofNullable(row.getString(18)),
                Optional.ofNullable(row.getString(19)));
    }

    private static StoredKey key(ResultSet row) throws SQLException {
        return new StoredKey(
                row.getLong(1),
                row.getInt(2),
                row.getString(3),
                row.getString(4),
                texts(row.getArray(5)),
                Arrays.asList((String[]) row.getArray(6).getArray()),
                texts(row.getArray(7)),
                row.getBoolean(8),
                row.getBoolean(9));
    }

    private static List<String> texts(Array array) throws SQLException {
        return List.of((String[]) array.getArray());
    }

    private static OptionalLong optional(ResultSet row, int column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? OptionalLong.empty() : OptionalLong.of(value);
    }
}
