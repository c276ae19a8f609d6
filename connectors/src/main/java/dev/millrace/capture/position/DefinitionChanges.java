package dev.millrace.capture.position;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.TableComparison.Difference;
import dev.millrace.capture.position.TableComparison.Types;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.capture.position.TablePause.PartitionChange;
import dev.millrace.capture.position.TablePause.Remedy;
import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTableReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Decides whether the definition of a source table pauses it, and what lets it continue.
/// Stateless; uses the calling thread's connection.
record DefinitionChanges(TablePause pause) {

    /// The change for which a table is paused; empty if the stream carries its changes as the log
    /// expects them.
    ///
    /// @param now its facts; `null` if no table has its name
    /// @throws SourceLostException if the table does not exist any more
    Optional<Change> change(
            Connection session, TableId table, PublishedTable known, @Nullable PublishedTable now)
            throws SQLException {
        if (now == null) {
            return Optional.of(
                    new Change(
                            "it was renamed or moved to " + name(session, table, known.oid()),
                            Remedy.RESTORE));
        }
        TableComparison compared = new TableComparison(table, known, now);
        List<Difference> differences = compared.differences(column -> pause.reads(table, column));
        if (differences.isEmpty()) {
            return ofPartitions(session, compared)
                    .map(reason -> new Change(reason, Remedy.ACCEPT_AND_READ));
        }
        List<String> texts = new ArrayList<>();
        for (Difference each : differences) {
            text(session, each, texts.isEmpty()).ifPresent(texts::add);
        }
        return Optional.of(
                change(
                        table,
                        String.join(", ", texts),
                        differences.stream().map(DefinitionChanges::remedy).toList()));
    }

    /// If names alone differ, the table would continue without what the stream lacks until they are
    /// restored, so [PausedTables#pause] refuses it. Every other difference remains.
    private Change change(TableId table, String difference, List<Remedy> needed) {
        Remedy gravest = Collections.max(needed);
        Optional<String> obstacle =
                gravest == Remedy.ACCEPT ? Optional.empty() : pause.whyNotReadAgain(table);
        boolean remains =
                needed.stream().anyMatch(each -> each != Remedy.ACCEPT && !each.isOfNames());
        return obstacle.isPresent() && remains
                ? new Change(difference, Remedy.NONE, obstacle.get())
                : new Change(difference, gravest);
    }

    /// Why partitions pause the table.
    private Optional<String> ofPartitions(Connection session, TableComparison compared)
            throws SQLException {
        if (!pause.mayReadAgain(compared.table())) {
            // Partitions could change back, and nothing would read what the stream lacks.
            return Optional.empty();
        }
        Optional<String> detached = compared.detached();
        if (detached.isPresent() && pause.pausesFor(compared.table(), PartitionChange.DETACHED)) {
            return detached;
        }
        if (compared.added().isEmpty()
                || !pause.pausesFor(compared.table(), PartitionChange.ATTACHED)) {
            return Optional.empty();
        }
        Map<Long, String> changed =
                compared.unexplained(PublishedTableReader.empty(session, compared.added()));
        return compared.added().keySet().stream()
                .flatMap(oid -> Stream.ofNullable(changed.get(oid)))
                .findFirst();
    }

    private static String name(Connection session, TableId table, long oid) throws SQLException {
        try (PreparedStatement statement =
                session.prepareStatement(
                        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
                                + " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                + " WHERE c.oid = ?::int8::oid")) {
            statement.setLong(1, oid);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new SourceLostException(table + " no longer exists on the source.");
                }
                return new TableId(row.getString(1), row.getString(2)).toString();
            }
        }
    }

    private static Remedy remedy(Difference difference) {
        return switch (difference) {
            case Difference.Retyped _ -> Remedy.ACCEPT;
            case Difference.Rewritten _, Difference.Recreated _ -> Remedy.ACCEPT_AND_READ;
            case Difference.Dropped _ -> Remedy.ADD_AGAIN;
            case Difference.Renamed _ -> Remedy.RESTORE;
            case Difference.Replaced _ -> Remedy.GIVE_BACK;
        };
    }

    /// @param isFirst whether nothing else says what has changed
    private static Optional<String> text(Connection session, Difference difference, boolean isFirst)
            throws SQLException {
        return switch (difference) {
            case Difference.Replaced _ -> Optional.of("another table has its name");
            case Difference.Renamed(String column, String to) ->
                    Optional.of("column " + column + " was renamed to " + to);
            case Difference.Dropped(String column) ->
                    Optional.of("column " + column + " was dropped");
            case Difference.Recreated(String column, Types types) ->
                    Optional.of(
                            "column "
                                    + column
                                    + " was dropped, and another one has its name"
                                    + (types.before() == types.after()
                                            ? ""
                                            : " (" + text(session, types) + ")"));
            case Difference.Retyped(String column, Types types) ->
                    Optional.of("column " + column + ": " + text(session, types));
            case Difference.Rewritten _ ->
                    isFirst ? Optional.of("ALTER COLUMN TYPE with USING") : Optional.empty();
        };
    }

    private static String text(Connection session, Types types) throws SQLException {
        return PublishedTableReader.typeName(session, types.before())
                + " → "
                + PublishedTableReader.typeName(session, types.after());
    }

    /// Requires that changes in the stream can be related to the known columns.
    ///
    /// @throws SourceLostException if the definition has changed otherwise than by a rewrite
    void requireSameDefinition(Connection session, TableComparison compared) throws SQLException {
        boolean isRedefined =
                compared.differences(column -> pause.reads(compared.table(), column)).stream()
                        .anyMatch(each -> !(each instanceof Difference.Rewritten));
        if (isRedefined) {
            throw new SourceLostException(
                    PausedTables.changed(
                            compared.table(),
                            change(session, compared.table(), compared.known(), compared.now())
                                    .orElseThrow()));
        }
        for (Optional<String> lost : List.of(compared.lostKey(), compared.renamedMeanwhile())) {
            if (lost.isPresent()) {
                throw new SourceLostException(lost.get());
            }
        }
    }
}
