package dev.millrace.control.flow;

import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import dev.millrace.throttle.Throttle.Limit;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// What the operator set for the flow of a migration, in `millrace.flow`: pauses and limits of the
/// backfill and of apply. Each change and its entry in the journal are written by one statement.
/// Each call uses its own pooled connection. Thread-safe.
public final class FlowStore {

    private static final String READ =
            """
            SELECT paused_since, paused_by, pause_reason, rows_per_second,
                apply_paused_since, apply_paused_by, apply_pause_reason, killed,
                bytes_per_second, apply_rows_per_second, apply_bytes_per_second
            FROM millrace.flow WHERE migration = ?
            """;

    /// Before the statement that makes the change.
    private static final String NOTED =
            """
            WITH noted AS (
                INSERT INTO millrace.journal (migration, who, phase, event, detail)
                VALUES (?, ?, ?, ?, jsonb_build_object('what', ?::text, 'reason', ?::text)))
            """;

    private static final String SAVE =
            """
            INSERT INTO millrace.flow
                (migration, paused_since, paused_by, pause_reason, rows_per_second,
                apply_paused_since, apply_paused_by, apply_pause_reason, killed,
                bytes_per_second, apply_rows_per_second, apply_bytes_per_second)
            VALUES (?, NULLIF(?, '')::timestamptz, ?, ?, NULLIF(?::bigint, 0),
                NULLIF(?, '')::timestamptz, ?, ?, ?,
                NULLIF(?::bigint, 0), NULLIF(?::bigint, 0), NULLIF(?::bigint, 0))
            ON CONFLICT (migration) DO UPDATE SET paused_since = excluded.paused_since,
                paused_by = excluded.paused_by, pause_reason = excluded.pause_reason,
                rows_per_second = excluded.rows_per_second,
                apply_paused_since = excluded.apply_paused_since,
                apply_paused_by = excluded.apply_paused_by,
                apply_pause_reason = excluded.apply_pause_reason, killed = excluded.killed,
                bytes_per_second = excluded.bytes_per_second,
                apply_rows_per_second = excluded.apply_rows_per_second,
                apply_bytes_per_second = excluded.apply_bytes_per_second
            """;

    private static final String HOLDS =
            "SELECT name, since, reason FROM millrace.flow_hold WHERE migration = ?";

    private static final String HOLD =
            """
            INSERT INTO millrace.flow_hold (migration, name, since, reason) VALUES (?, ?, ?, ?)
            ON CONFLICT (migration, name)
                DO UPDATE SET since = excluded.since, reason = excluded.reason
            """;

    private static final String RELEASE =
            """
            DELETE FROM millrace.flow_hold WHERE migration = ? AND name = ?
            """;

    private final Database control;
    private final String migration;

    /// @param control the database that contains the control schema
    public FlowStore(Database control, String migration) {
        this.control = control;
        this.migration = migration;
    }

    /// @param backfill empty while the backfill is not paused
    /// @param apply empty while apply is not paused
    /// @param killed whether the source is not written either; only while apply is paused
    public record Setting(
            Optional<Pause> backfill,
            Limit backfillLimit,
            Optional<Pause> apply,
            Limit applyLimit,
            boolean killed) {

        public static final Setting NONE =
                new Setting(Optional.empty(), Limit.NONE, Optional.empty(), Limit.NONE, false);

        /// The same pauses with other limits.
        public Setting limited(Limit ofBackfill, Limit ofApply) {
            return new Setting(backfill, ofBackfill, apply, ofApply, killed);
        }
    }

    /// @param reason empty if the operator gave none
    public record Pause(String reason, String who, Instant since) {}

    /// What a stop condition holds.
    ///
    /// @param reason what was measured, a clause without a full stop
    public record Hold(String reason, Instant since) {}

    /// An entry of the journal.
    ///
    /// @param event for example `pause`
    /// @param reason why; empty if the operator gave none
    public record Note(String who, String phase, String event, String what, String reason) {}

    /// The setting that was saved last, or [Setting#NONE].
    public Setting read() throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.first(connection, READ, FlowStore::setting, migration)
                    .orElse(Setting.NONE);
        }
    }

    /// Replaces the setting and adds the note to the journal, both or neither.
    public void save(Setting setting, Note note) throws SQLException {
        change(
                note,
                SAVE,
                since(setting.backfill()),
                setting.backfill().map(Pause::who).orElse(""),
                setting.backfill().map(Pause::reason).orElse(""),
                setting.backfillLimit().rows().orElse(0),
                since(setting.apply()),
                setting.apply().map(Pause::who).orElse(""),
                setting.apply().map(Pause::reason).orElse(""),
                setting.killed(),
                setting.backfillLimit().bytes().orElse(0),
                setting.applyLimit().rows().orElse(0),
                setting.applyLimit().bytes().orElse(0));
    }

    /// @param sql its first parameter is the migration
    private void change(Note note, String sql, Object... parameters) throws SQLException {
        List<Object> all =
                new ArrayList<>(
                        List.of(
                                migration,
                                note.who(),
                                note.phase(),
                                note.event(),
                                note.what(),
                                note.reason(),
                                migration));
        all.addAll(List.of(parameters));
        try (Connection connection = control.pooled()) {
            Statements.update(connection, NOTED + sql, all.toArray());
        }
    }

    /// What stop conditions hold, by their names.
    public Map<String, Hold> holds() throws SQLException {
        try (Connection connection = control.pooled()) {
            Map<String, Hold> holds = new HashMap<>();
            Statements.list(
                            connection,
                            HOLDS,
                            row ->
                                    Map.entry(
                                            row.getString(1),
                                            new Hold(
                                                    row.getString(3),
                                                    row.getObject(2, OffsetDateTime.class)
                                                            .toInstant())),
                            migration)
                    .forEach(hold -> holds.put(hold.getKey(), hold.getValue()));
            return holds;
        }
    }

    /// Stores that a stop condition holds the flow, and adds the note to the journal, both or
    /// neither.
    public void hold(String name, Hold hold, Note note) throws SQLException {
        change(note, HOLD, name, hold.since(), hold.reason());
    }

    /// Stores that a stop condition holds nothing any more, in the same way.
    public void release(String name, Note note) throws SQLException {
        change(note, RELEASE, name);
    }

    private static String since(Optional<Pause> pause) {
        return pause.map(each -> each.since().toString()).orElse("");
    }

    private static Setting setting(ResultSet row) throws SQLException {
        return new Setting(
                pause(row, 1),
                new Limit(number(row, 4), number(row, 9)),
                pause(row, 5),
                new Limit(number(row, 10), number(row, 11)),
                row.getBoolean(8));
    }

    private static OptionalLong number(ResultSet row, int column) throws SQLException {
        long number = row.getLong(column);
        return number == 0 ? OptionalLong.empty() : OptionalLong.of(number);
    }

    private static Optional<Pause> pause(ResultSet row, int first) throws SQLException {
        String who = row.getString(first + 1);
        String reason = row.getString(first + 2);
        return Optional.ofNullable(row.getObject(first, OffsetDateTime.class))
                .map(since -> new Pause(reason, who, since.toInstant()));
    }
}
