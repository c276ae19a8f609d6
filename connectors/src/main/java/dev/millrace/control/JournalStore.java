package dev.millrace.control;

import dev.millrace.lifecycle.PausePoint;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;

/// The journal of a migration in `millrace.journal`: which phase it is in, and who did what when.
/// Entries are only added: see [dev.millrace.control.journal.JournalChain]. Each call uses its own
/// pooled connection. Thread-safe.
public final class JournalStore {

    private static final String ADD_PHASE =
            """
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            VALUES (?, ?, ?, 'phase', '{}')
            """;

    private static final String ADD_FAILED_PHASE =
            """
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            VALUES (?, ?, ?, 'phase', jsonb_build_object('cause', ?::text, 'from', ?::text))
            """;

    private static final String ADD_EVENT =
            """
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            VALUES (?, ?, ?, ?, jsonb_strip_nulls(
                jsonb_build_object('what', ?::text, 'reason', NULLIF(?, ''))))
            """;

    private static final String LATEST_PHASE =
            """
            SELECT phase, detail ->> 'cause', detail ->> 'from', at FROM millrace.journal
            WHERE migration = ? AND event = 'phase' ORDER BY number DESC LIMIT 1
            """;

    private final Database control;
    private final String migration;
    private final String who;

    /// @param control the database that contains the control schema
    /// @param who the operator or the service, as the journal names it
    public JournalStore(Database control, String migration, String who) {
        this.control = control;
        this.migration = migration;
        this.who = who;
    }

    /// A phase as the journal contains it.
    ///
    /// @param failure why the migration failed; empty for every other phase
    public record Entry(String phase, Optional<Failure> failure, Instant since) {}

    /// @param cause what the operator reads
    /// @param from the phase in which the migration failed
    public record Failure(String cause, String from) {}

    /// The phase that was entered last.
    public Optional<Entry> latest() throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.first(connection, LATEST_PHASE, JournalStore::entry, migration);
        }
    }

    public void enter(String phase) throws SQLException {
        add(ADD_PHASE, migration, who, phase);
    }

    public void enterFailed(String phase, Failure failure) throws SQLException {
        add(ADD_FAILED_PHASE, migration, who, phase, failure.cause(), failure.from());
    }

    /// Adds an event that does not change the phase.
    ///
    /// @param reason why; empty if nobody gave one
    public void event(String phase, String event, String what, String reason) throws SQLException {
        add(ADD_EVENT, migration, who, phase, event, what, reason);
    }

    private void add(String sql, Object... parameters) throws SQLException {
        PausePoint.BEFORE_JOURNAL.pass();
        try (Connection connection = control.pooled()) {
            Statements.update(connection, sql, parameters);
        }
        PausePoint.AFTER_JOURNAL.pass();
    }

    private static Entry entry(ResultSet row) throws SQLException {
        Optional<String> from = Optional.ofNullable(row.getString(3));
        String cause = Optional.ofNullable(row.getString(2)).orElse("");
        return new Entry(
                row.getString(1),
                from.map(phase -> new Failure(cause, phase)),
                row.getObject(4, OffsetDateTime.class).toInstant());
    }
}
