package dev.millrace.control;

import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The keys of one generation whose changes are not applied, in `millrace.parked_key`; their
/// changes are in [ParkedChanges]. A key that is held or parked has one row there: only the
/// transaction that has the partition's stored offset locked adds or removes it, so that no change
/// of the key passes by. Uses the caller's connection and transaction. Thread-safe.
public final class ParkedKeys {

    private static final String COLUMNS =
            "id, target_schema, target_name, target_part, key_values, state, cause, sql_state,"
                    + " partition, changes_offset, change_index, changes, bytes, at,"
                    + " skipped_by, skip_reason, skipped_at, judge_at, judged_changes";

    static final String OPEN =
            " FROM millrace.parked_key k WHERE migration = ? AND generation = ? AND state <>"
                    + " 'skipped'";

    /// Its keys are not tried again by themselves, like those that are parked.
    static final String OF_A_STOPPED_TABLE =
            "EXISTS (SELECT FROM millrace.stopped_table s"
                    + " WHERE (s.migration, s.generation, s.target_schema, s.target_name)"
                    + " = (k.migration, k.generation, k.target_schema, k.target_name)"
                    + " AND s.resumed_at IS NULL)";

    private static final String IDS =
            "SELECT id, target_schema, target_name, target_part, key_values"
                    + OPEN
                    + " AND partition = ?";

    private static final String ADD =
            """
            INSERT INTO millrace.parked_key (migration, generation, partition, target_schema,
                target_name, target_part, key_values, key_hash, state, cause, sql_state,
                changes_offset, change_index, changes, bytes, hold_after, judge_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?, ?, 0, 0, nullif(?, -1), nullif(?, -1))
            RETURNING id
            """;

    private static final String LIST =
            "SELECT "
                    + COLUMNS
                    + " FROM millrace.parked_key WHERE migration = ? AND generation = ? AND (? = ''"
                    + " OR target_schema || '.' || target_name = ?)"
                    + " ORDER BY state = 'skipped', id LIMIT ?";

    private static final String FIND =
            "SELECT "
                    + COLUMNS
                    + " FROM millrace.parked_key WHERE migration = ? AND generation = ? AND id = ?";

    private static final String OF_TABLE =
            "SELECT "
                    + COLUMNS
                    + " FROM millrace.parked_key WHERE migration = ? AND generation = ?"
                    + " AND target_schema = ? AND target_name = ? ORDER BY id";

    private static final String REMOVE = "DELETE FROM millrace.parked_key WHERE id = ?";

    private static final String EMPTY =
            "DELETE FROM millrace.parked_key WHERE migration = ? AND generation = ?"
                    + " AND target_schema = ? AND target_name = ? AND target_part = ?";

    private static final String OPEN_KEYS = "SELECT " + COLUMNS + OPEN + " ORDER BY id";

    private static final String JUDGEMENTS =
            "SELECT partition, min(judge_at)"
                    + OPEN
                    + " AND state = 'held' AND NOT "
                    + OF_A_STOPPED_TABLE
                    + " GROUP BY partition";

    private static final String REFUSED =
            """
            UPDATE millrace.parked_key SET state = ?, cause = ?, sql_state = nullif(?, ''),
                judge_at = nullif(?, -1), judged_changes = ?,
                hold_after = CASE ? WHEN 'held' THEN hold_after END
            WHERE id = ?
            """;

    private static final String SKIP =
            """
            UPDATE millrace.parked_key SET state = 'skipped', skipped_by = ?, skip_reason = ?,
                skipped_at = clock_timestamp(), hold_after = NULL, judge_at = NULL WHERE id = ?
            """;

    private final String migration;
    private final ParkedChanges changes;

    public ParkedKeys(String migration) {
        this.migration = migration;
        this.changes = new ParkedChanges(migration);
    }

    /// What becomes of a key.
    public enum State {
        /// The refusal may be a matter of order; the key is tried again by itself.
        HELD,
        /// The key waits for an operator.
        PARKED,
        /// An operator dropped the changes that waited; later ones are applied.
        SKIPPED;

        /// The word of the table and of reports.
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// A key that is set aside now.
    ///
    /// @param cause contains no value of a row
    /// @param sqlState of the target; empty if the change could not be mapped
    /// @param first the first change that was not applied
    /// @param hold of a held key; `null` for a parked one
    public record Refused(
            RowKey key, String cause, String sqlState, Token first, @Nullable Hold hold) {}

    /// @param after a watermark before the first change of the key
    /// @param judgeAt the watermark that every partition must have passed before the key is judged
    public record Hold(long after, long judgeAt) {}

    /// @param judgeAt the watermark at which a held key is judged again; -1 for a parked key
    /// @param changes how many changes waited when it was refused with no other held key in its
    ///   way; 0 if another one was
    public record Judged(long judgeAt, long changes) {}

    /// A key as it is stored.
    ///
    /// @param table the table, or the part of it that has the change
    /// @param key the values of the key; for reports that an operator requested, never for logs
    /// @param changes the number of changes that wait
    /// @param bytes of these changes
    /// @param judgeAt of a held key; 0 for others
    /// @param judgedChanges as [Judged#changes] at the last judgement
    /// @param skip who dropped the changes, and why; empty if nobody did
    public record ParkedKey(
            long id,
            TableId table,
            List<String> key,
            State state,
            String cause,
            String sqlState,
            int partition,
            long changesOffset,
            int index,
            long changes,
            long bytes,
            Instant at,
            long judgeAt,
            long judgedChanges,
            Optional<Skip> skip) {

        public ParkedKey {
            key = List.copyOf(key);
        }

        public RowKey rowKey() {
            return RowKey.of(table, key.toArray(String[]::new));
        }
    }

    public record Skip(String who, String reason, Instant at) {}

    /// The held and parked keys of a partition with their ids.
    public Map<RowKey, Long> open(Connection connection, int generation, int partition)
            throws SQLException {
        Map<RowKey, Long> keys = new HashMap<>();
        Statements.list(
                        connection,
                        IDS,
                        row -> Map.entry(key(row, 2).rowKey(), row.getLong(1)),
                        migration,
                        generation,
                        partition)
                .forEach(each -> keys.put(each.getKey(), each.getValue()));
        return keys;
    }

    /// Sets a key aside.
    ///
    /// @return its id, for [#append]
    public long add(Connection connection, int generation, int partition, Refused refused)
            throws SQLException {
        RowKey key = refused.key();
        Hold hold = refused.hold();
        return Statements.one(
                connection,
                ADD,
                row -> row.getLong(1),
                migration,
                generation,
                partition,
                key.table().schema(),
                key.table().name(),
                key.table().part(),
                key.values().toArray(String[]::new),
                hash(key),
                (hold == null ? State.PARKED : State.HELD).word(),
                refused.cause(),
                refused.sqlState(),
                refused.first().changesOffset(),
                refused.first().index(),
                hold == null ? -1L : hold.after(),
                hold == null ? -1L : hold.judgeAt());
    }

    /// Adds changes behind those that wait already, in their order.
    public void append(Connection connection, Map<Long, List<TargetChange>> added)
            throws SQLException {
        changes.append(connection, added);
    }

    /// How much of a table waits.
    public ParkedSize size(Connection connection, int generation, TableId table)
            throws SQLException {
        return ParkedSize.read(connection, migration, generation, table);
    }

    /// How much of each table waits; a table of which nothing waits is absent.
    public Map<TableId, ParkedSize> sizes(Connection connection, int generation)
            throws SQLException {
        return ParkedSize.read(connection, migration, generation);
    }

    /// The held and parked keys, the oldest first.
    public List<ParkedKey> open(Connection connection, int generation) throws SQLException {
        return Statements.list(connection, OPEN_KEYS, ParkedKeys::parked, migration, generation);
    }

    /// The lowest watermark at which a held key is judged, by partition. Keys of a stopped table
    /// are judged when it continues.
    public Map<Integer, Long> judgements(Connection connection, int generation)
            throws SQLException {
        Map<Integer, Long> judgements = new HashMap<>();
        Statements.list(
                        connection,
                        JUDGEMENTS,
                        row -> Map.entry(row.getInt(1), row.getLong(2)),
                        migration,
                        generation)
                .forEach(each -> judgements.put(each.getKey(), each.getValue()));
        return judgements;
    }

    /// A key was tried again, and the target refused it.
    public void refused(
            Connection connection,
            long id,
            State state,
            String cause,
            String sqlState,
            Judged judged)
            throws SQLException {
        Statements.update(
                connection,
                REFUSED,
                state.word(),
                cause,
                sqlState,
                judged.judgeAt(),
                judged.changes(),
                state.word(),
                id);
    }

    /// The keys that were set aside, the oldest first, and the skipped ones after them.
    ///
    /// @param table as `schema.name`; empty for all
    public List<ParkedKey> list(Connection connection, int generation, String table, int most)
            throws SQLException {
        return Statements.list(
                connection, LIST, ParkedKeys::parked, migration, generation, table, table, most);
    }

    /// The keys of a table that were set aside, the skipped ones included.
    public List<ParkedKey> of(Connection connection, int generation, TableId table)
            throws SQLException {
        return Statements.list(
                connection,
                OF_TABLE,
                ParkedKeys::parked,
                migration,
                generation,
                table.schema(),
                table.name());
    }

    public Optional<ParkedKey> find(Connection connection, int generation, long id)
            throws SQLException {
        return Statements.first(connection, FIND, ParkedKeys::parked, migration, generation, id);
    }

    /// The changes of a key that wait, in their order.
    public List<TargetChange> changes(Connection connection, long id) throws SQLException {
        return changes.read(connection, id);
    }

    /// Forgets a key whose changes are applied.
    public void remove(Connection connection, long id) throws SQLException {
        changes.remove(connection, id);
        Statements.update(connection, REMOVE, id);
    }

    /// Forgets the keys of a table, or of a part of it, whose rows are deleted by a TRUNCATE. The
    /// skipped ones are included: with the row, the difference is gone that a skip left.
    public void empty(Connection connection, int generation, TableId table) throws SQLException {
        changes.empty(connection, generation, table);
        Statements.update(
                connection,
                EMPTY,
                migration,
                generation,
                table.schema(),
                table.name(),
                table.part());
    }

    /// Drops the changes of a key that wait, and lets later ones pass.
    public void skip(Connection connection, long id, String who, String reason)
            throws SQLException {
        changes.remove(connection, id);
        Statements.update(connection, SKIP, who, reason, id);
    }

    private static ParkedKey parked(ResultSet row) throws SQLException {
        Key key = key(row, 2);
        OffsetDateTime skipped = row.getObject(17, OffsetDateTime.class);
        return new ParkedKey(
                row.getLong(1),
                key.table(),
                key.values(),
                State.valueOf(row.getString(6).toUpperCase(Locale.ROOT)),
                row.getString(7),
                Optional.ofNullable(row.getString(8)).orElse(""),
                row.getInt(9),
                row.getLong(10),
                row.getInt(11),
                row.getLong(12),
                row.getLong(13),
                row.getObject(14, OffsetDateTime.class).toInstant(),
                row.getLong(18),
                row.getLong(19),
                skipped == null
                        ? Optional.empty()
                        : Optional.of(
                                new Skip(
                                        row.getString(15),
                                        row.getString(16),
                                        skipped.toInstant())));
    }

    private record Key(TableId table, List<String> values) {

        RowKey rowKey() {
            return RowKey.of(table, values.toArray(String[]::new));
        }
    }

    /// Four columns from this one on.
    private static Key key(ResultSet row, int first) throws SQLException {
        TableId table =
                new TableId(
                        row.getString(first), row.getString(first + 1), row.getString(first + 2));
        Array values = row.getArray(first + 3);
        return new Key(table, List.of((String[]) values.getArray()));
    }

    /// The bytes of a key may be longer than an entry of an index.
    private static byte[] hash(RowKey key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.bytes());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256.", e);
        }
    }
}
