package dev.millrace.migration;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The migration's journal: who did what when, and which phase it is in. Rows are only ever added.
/// Uses the caller's connection.
final class JournalStore {

    private static final String ADD =
            """
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            VALUES (?, ?, ?, ?, ?::jsonb)
            """;

    private static final String LAST =
            """
            SELECT phase, detail, at FROM millrace.journal
            WHERE migration = ? AND event = 'phase' ORDER BY id DESC LIMIT 1
            """;

    private final String migration;
    private final String who;
    private final JsonMapper json = JsonMapper.builder().build();

    /// @param who the operator or the service, as the journal names it
    JournalStore(String migration, String who) {
        this.migration = migration;
        this.who = who;
    }

    record Entry(Phase phase, Instant since) {}

    Optional<Entry> last(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LAST)) {
            statement.setString(1, migration);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                JsonNode detail = json.readTree(row.getString(2));
                Phase phase =
                        Phase.of(
                                row.getString(1),
                                detail.path("cause").stringValue(""),
                                detail.path("from").stringValue(""));
                return Optional.of(
                        new Entry(phase, row.getObject(3, OffsetDateTime.class).toInstant()));
            }
        }
    }

    void enter(Connection connection, Phase phase) throws SQLException {
        var detail = json.createObjectNode();
        if (phase instanceof Phase.Failed(String cause, Phase from)) {
            detail.put("cause", cause).put("from", from.name());
        }
        add(connection, phase, "phase", json.writeValueAsString(detail));
    }

    void event(Connection connection, Phase phase, String event, String what) throws SQLException {
        add(
                connection,
                phase,
                event,
                json.writeValueAsString(json.createObjectNode().put("what", what)));
    }

    private void add(Connection connection, Phase phase, String event, String detail)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ADD)) {
            statement.setString(1, migration);
            statement.setString(2, who);
            statement.setString(3, phase.name());
            statement.setString(4, event);
            statement.setString(5, detail);
            statement.executeUpdate();
        }
    }
}
