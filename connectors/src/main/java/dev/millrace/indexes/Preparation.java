package dev.millrace.indexes;

import dev.millrace.change.TableId;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.DroppedDefinitions;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.indexes.TargetIndexes.Settings;
import dev.millrace.lifecycle.Failure;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Drops the secondary indexes and foreign keys of each table that waits for its backfill. One
/// transaction per table reads the definitions under the table's lock, stores them, drops the
/// objects and records that the table is prepared, so that a kill leaves a table either as it was
/// or prepared. Not thread-safe; confined to the supervisor's thread.
final class Preparation {

    private final Settings settings;
    private final DroppedDefinitions store;
    private final BackfilledTables backfilled;

    Preparation(Settings settings) {
        this.settings = settings;
        this.store = new DroppedDefinitions(settings.migration());
        this.backfilled = new BackfilledTables(settings.migration());
    }

    /// Prepares every table for the generation, except tables whose existing rows are applied
    /// already.
    void run(TargetSession session) throws SQLException {
        for (TableId table : settings.dropped()) {
            if (session.inTransaction(connection -> mayDrop(session, connection, table))) {
                session.inTransaction(connection -> drop(session, connection, table));
            }
        }
    }

    /// Looks without a lock, so that a table without such objects is not locked.
    private boolean mayDrop(TargetSession session, Connection connection, TableId table)
            throws SQLException {
        if (isDone(connection, table)) {
            return false;
        }
        Optional<TableObjects> objects = session.objects(table);
        if (objects.isPresent() && isNothingToDrop(objects.get(), store.pending(connection))) {
            store.prepared(connection, settings.generation(), table);
            return false;
        }
        return true;
    }

    private static boolean isNothingToDrop(TableObjects objects, List<Definition> pending) {
        return objects.removable().isEmpty()
                && objects.invalid().stream()
                        .noneMatch(invalid -> pending.stream().anyMatch(invalid::isSameObject));
    }

    private boolean isDone(Connection connection, TableId table) throws SQLException {
        return store.isPrepared(connection, settings.generation(), table)
                || backfilled.isComplete(
                        connection, settings.generation(), table, settings.partitions());
    }

    private boolean drop(TargetSession session, Connection connection, TableId table)
            throws SQLException {
        session.execute("LOCK TABLE " + Identifier.quote(table) + " IN ACCESS EXCLUSIVE MODE");
        // Another process may have prepared the table, or begun a generation, while this one
        // waited.
        if (isDone(connection, table)) {
            return false;
        }
        int latest = store.latestGeneration(connection);
        if (latest != settings.generation()) {
            throw new IndexFailure(
                    new Failure.Fatal(
                            "another process began generation %d; this one works for generation %d"
                                    .formatted(latest, settings.generation())));
        }
        TableObjects objects =
                session.objects(table)
                        .orElseThrow(
                                () ->
                                        new IllegalStateException(
                                                "A locked table is not in the catalog."));
        List<Definition> pending = store.pending(connection);
        dropLeftovers(session, objects, pending);
        for (Definition found : objects.removable()) {
            // A restoration that a new generation interrupted may have come this far.
            if (pending.stream().noneMatch(stored -> RestoreStep.isOf(stored, found))) {
                store.add(connection, found);
            }
            session.execute(RestoreStep.Sql.drop(found));
        }
        store.prepared(connection, settings.generation(), table);
        store.note(connection, "BACKFILLING", "drop-indexes", described(objects));
        return true;
    }

    private static void dropLeftovers(
            TargetSession session, TableObjects objects, List<Definition> pending)
            throws SQLException {
        for (Definition invalid : objects.invalid()) {
            if (pending.stream().anyMatch(invalid::isSameObject)) {
                session.execute(RestoreStep.Sql.drop(invalid));
            }
        }
    }

    private static String described(TableObjects objects) {
        return objects.removable().stream()
                .map(Definition::described)
                .collect(Collectors.joining(", ", "dropped until the backfill is complete: ", ""));
    }
}
