package dev.millrace.control;

import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.OptionalLong;

/// What the operator set for a migration's backfill, in `millrace.backfill_pace`: a pause and a
/// limit of rows per second. Each change and its entry in the journal are written by one statement.
/// Each call uses its own pooled connection. Thread-safe.
public final class PaceStore {

    private static final String READ =
            """
            SELECT paused_since, paused_by, pause_reason, rows_per_second
            FROM millrace.backfill_pace WHERE migration = ?
            """;

    private static final String SAVE =
            """
            WITH noted AS (
                INSERT INTO millrace.journal (migration, who, phase, event, detail)
                VALUES (?, ?, ?, ?, jsonb_build_object('what', ?::text, 'reason', ?::text)))
            INSERT INTO millrace.backfill_pace
                (migration, paused_since, paused_by, pause_reason, rows_per_second)
            VALUES (?, NULLIF(?, '')::timestamptz, ?, ?, NULLIF(?::bigint, 0))
            ON CONFLICT (migration) DO UPDATE SET paused_since = excluded.paused_since,
                paused_by = excluded.paused_by, pause_reason = excluded.pause_reason,
                rows_per_second = excluded.rows_per_second
            """;

    private final Database control;
    private final String migration;

    /// @param control the database that contains the control schema
    public PaceStore(Database control, String migration) {
        this.control = control;
        this.migration = migration;
    }

    /// @param pause empty while the backfill is not paused
    /// @param rowsPerSecond at least 1; empty without a limit
    public record Setting(Optional<Pause> pause, OptionalLong rowsPerSecond) {

        public static final Setting NONE = new Setting(Optional.empty(), OptionalLong.empty());
    }

    /// @param reason empty if the operator gave none
    public record Pause(String reason, String who, Instant since) {}

    /// An entry of the journal.
    ///
    /// @param event for example `pause`
    /// @param reason why; empty if the operator gave none
    public record Note(String who, String phase, String event, String what, String reason) {}

    /// The setting that was saved last, or [Setting#NONE].
    public Setting read() throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.first(connection, READ, PaceStore::setting, migration)
                    .orElse(Setting.NONE);
        }
    }

    /// Replaces the setting and adds the note to the journal, both or neither.
    public void save(Setting setting, Note note) throws SQLException {
        Optional<Pause> pause = setting.pause();
        try (Connection connection = control.pooled()) {
            Statements.update(
                    connection,
                    SAVE,
                    migration,
                    note.who(),
                    note.phase(),
                    note.event(),
                    note.what(),
                    note.reason(),
                    migration,
                    pause.map(each -> each.since().toString()).orElse(""),
                    pause.map(Pause::who).orElse(""),
                    pause.map(Pause::reason).orElse(""),
                    setting.rowsPerSecond().orElse(0));
        }
    }

    private static Setting setting(ResultSet row) throws SQLException {
        String by = row.getString(2);
        String reason = row.getString(3);
        long rows = row.getLong(4);
        return new Setting(
                Optional.ofNullable(row.getObject(1, OffsetDateTime.class))
                        .map(since -> new Pause(reason, by, since.toInstant())),
                rows == 0 ? OptionalLong.empty() : OptionalLong.of(rows));
    }
}
