package dev.millrace.control;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session.SilenceLimit;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// The generations of a migration in `millrace.generation`, and what is recorded when one begins:
/// its stored offsets, the target tables that were empty, and the columns of the source tables.
/// Each call opens its own session. Thread-safe.
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

    /// What one generation of the log was begun with. Each start compares it with what it finds:
    /// after a change of the source, of a topic or of the number of partitions, stored positions
    /// are meaningless.
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

    /// What a generation begins with, once the topics are empty.
    ///
    /// @param slot the replication slot on the source
    /// @param targetTopic its name
    /// @param firstOffsets the offset at which each partition of the target topic begins
    /// @param targets the tables that the mappings write
    /// @param emptied those of them that lose their rows if the generation is not the first one
    /// @param sources the tables that the mappings read
    public record Beginning(
            Generation generation,
            String slot,
            String targetTopic,
            List<Long> firstOffsets,
            List<TableId> targets,
            List<TableId> emptied,
            List<Relation> sources) {

        public Beginning {
            firstOffsets = List.copyOf(firstOffsets);
            targets = List.copyOf(targets);
            emptied = List.copyOf(emptied);
            sources = List.copyOf(sources);
        }
    }

    /// The result of [#begin].
    public sealed interface Outcome {

        record Begun(Generation generation) implements Outcome {}

        /// Nothing changed in the database. The reason says what to do.
        record Refused(String reason) implements Outcome {}
    }

    /// Prepares the session in which target tables are emptied.
    @FunctionalInterface
    public interface SessionSetup {

        /// @return why the session may not empty tables; empty when it may
        Optional<String> prepare(Connection connection) throws SQLException;
    }

    private final Database control;
    private final String migration;
    private final TargetTables targetTables;
    private final SourceColumns sourceColumns;

    /// @param control the database that contains the control schema and the target tables
    public GenerationStore(Database control, String migration) {
        this.control = control;
        this.migration = migration;
        this.targetTables = new TargetTables(migration);
        this.sourceColumns = new SourceColumns(migration);
    }

    public Optional<Generation> latest() throws SQLException {
        try (Connection connection = open()) {
            return Statements.first(connection, LATEST, GenerationStore::generation, migration);
        }
    }

    /// The columns that each source table had when the migration began, by its quoted name.
    public Map<String, Set<String>> columns() throws SQLException {
        try (Connection connection = open()) {
            return sourceColumns.read(connection);
        }
    }

    /// Records the columns of the source tables, to which a `*` expands from now on. Columns that
    /// are recorded already stay as they are.
    public void noteColumns(List<Relation> sources) throws SQLException {
        try (Connection connection = open()) {
            sourceColumns.note(connection, sources);
        }
    }

    /// Begins a generation in one transaction: its stored offsets, the notes about tables, the
    /// emptied target tables (for every generation after the first) and the generation itself.
    ///
    /// @param setup runs first; when it refuses, nothing else is done
    /// @param emptied empties the topics and returns what the generation begins with; runs after
    ///   `setup` and before the transaction
    public Outcome begin(SessionSetup setup, Supplier<Beginning> emptied) throws SQLException {
        try (Connection connection = open()) {
            Optional<String> refusal = setup.prepare(connection);
            if (refusal.isPresent()) {
                return refused(refusal.get());
            }
            Beginning beginning = emptied.get();
            connection.setAutoCommit(false);
            // To check whether a large table is empty, or to empty it, may take hours.
            try (var _ = SilenceLimit.ofLongStatement(connection)) {
                return write(connection, beginning);
            }
        }
    }

    private Outcome write(Connection connection, Beginning beginning) throws SQLException {
        Generation generation = beginning.generation();
        // The old offsets are replaced first: that waits for a writer whose commit is in progress,
        // so that the statements below see its rows.
        new StoredOffsets(migration, beginning.targetTopic())
                .begin(
                        connection,
                        generation.number(),
                        generation.targetTopicId(),
                        beginning.firstOffsets());
        targetTables.note(connection, beginning.targets());
        sourceColumns.note(connection, beginning.sources());
        if (generation.number() > 1) {
            Optional<String> refusal = targetTables.empty(connection, beginning.emptied());
            if (refusal.isPresent()) {
                connection.rollback();
                return refused(refusal.get());
            }
        }
        Statements.update(
                connection,
                ADD,
                migration,
                generation.number(),
                generation.systemIdentifier(),
                generation.timeline(),
                generation.sourceDatabase(),
                beginning.slot(),
                generation.changesTopicId(),
                generation.targetTopicId(),
                generation.positionTopicId(),
                generation.partitions(),
                generation.meaning());
        connection.commit();
        return new Outcome.Begun(generation);
    }

    private static Outcome refused(String reason) {
        return new Outcome.Refused(
                "A new generation must begin, because the old position is lost, but it cannot: "
                        + reason);
    }

    private Connection open() throws SQLException {
        return control.connect("control");
    }

    private static Generation generation(ResultSet row) throws SQLException {
        return new Generation(
                row.getInt(1),
                row.getString(2),
                row.getInt(3),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getInt(8),
                row.getString(9));
    }
}
