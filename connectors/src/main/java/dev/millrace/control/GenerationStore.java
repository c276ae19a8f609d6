package dev.millrace.control;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The generations of a migration and the target tables that were empty when it began. Uses the
/// caller's connection and transaction.
public final class GenerationStore {

    private static final String LATEST =
            """
            SELECT generation, system_identifier, timeline, source_database, changes_topic_id, target_topic_id,
                position_topic_id, partitions, spec_hash
            FROM millrace.generation WHERE migration = ? ORDER BY generation DESC LIMIT 1
            """;

    private static final String ADD =
            """
            INSERT INTO millrace.generation (migration, generation, system_identifier, timeline, source_database, slot,
                changes_topic_id, target_topic_id, position_topic_id, partitions, spec_hash)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """;

    private final String migration;

    public GenerationStore(String migration) {
        this.migration = migration;
    }

    public Optional<Generation> latest(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LATEST)) {
            statement.setString(1, migration);
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? Optional.of(
                                new Generation(
                                        row.getInt(1),
                                        row.getString(2),
                                        row.getInt(3),
                                        row.getString(4),
                                        row.getString(5),
                                        row.getString(6),
                                        row.getString(7),
                                        row.getInt(8),
                                        row.getString(9)))
                        : Optional.empty();
            }
        }
    }

    public void add(Connection connection, Generation generation, String slot) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ADD)) {
            statement.setString(1, migration);
            statement.setInt(2, generation.number());
            statement.setString(3, generation.systemIdentifier());
            statement.setInt(4, generation.timeline());
            statement.setString(5, generation.sourceDatabase());
            statement.setString(6, slot);
            statement.setString(7, generation.changesTopicId());
            statement.setString(8, generation.targetTopicId());
            statement.setString(9, generation.positionTopicId());
            statement.setInt(10, generation.partitions());
            statement.setString(11, generation.meaning());
            statement.executeUpdate();
        }
    }

    /// Remembers which target tables are empty now. The first answer stays.
    public void noteTargets(Connection connection, List<TableId> targets) throws SQLException {
        for (TableId target : targets) {
            boolean empty = isEmpty(connection, target);
            try (PreparedStatement statement =
                    connection.prepareStatement(
                            "INSERT INTO millrace.target_table (migration, target, empty_at_start) VALUES (?, ?, ?)"
                                    + " ON CONFLICT DO NOTHING")) {
                statement.setString(1, migration);
                statement.setString(2, Identifier.quote(target));
                statement.setBoolean(3, empty);
                statement.executeUpdate();
            }
        }
    }

    /// Remembers the columns of the source tables, which a `*` stands for from now on. The first
    /// answer stays.
    public void noteColumns(Connection connection, List<Relation> sources) throws SQLException {
        for (Relation source : sources) {
            try (PreparedStatement statement =
                    connection.prepareStatement(
                            "INSERT INTO millrace.source_columns (migration, source, columns) VALUES (?, ?, ?)"
                                    + " ON CONFLICT DO NOTHING")) {
                statement.setString(1, migration);
                statement.setString(2, Identifier.quote(source.id()));
                statement.setArray(
                        3,
                        connection.createArrayOf(
                                "text",
                                source.columns().stream().map(Relation.Column::name).toArray()));
                statement.executeUpdate();
            }
        }
    }

    /// The columns of each source table, by its quoted name, as they were when the migration began.
    public Map<String, Set<String>> columns(Connection connection) throws SQLException {
        Map<String, Set<String>> columns = new HashMap<>();
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT source, columns FROM millrace.source_columns WHERE migration = ?")) {
            statement.setString(1, migration);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    columns.put(row.getString(1), Set.of((String[]) row.getArray(2).getArray()));
                }
            }
        }
        return columns;
    }

    /// Those of the tables that held rows when the migration began, and still hold some.
    public List<TableId> mayNotBeEmptied(Connection connection, List<TableId> targets)
            throws SQLException {
        List<TableId> kept = new ArrayList<>();
        for (TableId target : targets) {
            if (!wasEmptyAtStart(connection, target) && !isEmpty(connection, target)) {
                kept.add(target);
            }
        }
        return kept;
    }

    private boolean wasEmptyAtStart(Connection connection, TableId target) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT empty_at_start FROM millrace.target_table WHERE migration = ? AND target = ?")) {
            statement.setString(1, migration);
            statement.setString(2, Identifier.quote(target));
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    public static boolean isEmpty(Connection connection, TableId target) throws SQLException {
        try (PreparedStatement statement =
                        connection.prepareStatement(
                                "SELECT NOT EXISTS (SELECT FROM "
                                        + Identifier.quote(target)
                                        + ")");
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /// What one generation of the log was begun with. Everything here is asserted at each start:
    /// another source, another topic or another number of partitions means that positions no longer
    /// mean what they meant.
    ///
    /// @param meaning fingerprint of the mappings
    public record Generation(
            int number,
            String systemIdentifier,
            int timeline,
            String sourceDatabase,
            String changesTopicId,
            String targetTopicId,
            String positionTopicId,
            int partitions,
            String meaning) {}
}
