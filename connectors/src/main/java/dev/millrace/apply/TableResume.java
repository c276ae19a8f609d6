package dev.millrace.apply;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.apply.task.WriteOutcome.Worked;
import dev.millrace.change.TableId;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.Counted;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Lets a stopped table continue, in a transaction that has the stored offsets of all partitions
/// locked: its keys that wait are tried again, then each partition applies what the table missed.
/// The table stops again if the cause is still there. Not thread-safe; used for one task.
///
/// @param work has the offsets of all partitions
record TableResume(KeyParking.Setup parking, StoppedTables stoppedTables, KeyWork work) {

    /// @param stopped all tables whose changes are not applied
    Worked run(TableId table, Set<TableId> stopped) throws SQLException, TableStop {
        Connection connection = parking.connection();
        int generation = work.from().getFirst().generation();
        // Capture may pause the table for a change of its source meanwhile.
        stoppedTables.lock(connection, generation, table);
        Optional<Counted> stop = stoppedTables.find(connection, generation, table);
        if (stop.isEmpty()) {
            return refused("Table " + table + " is not stopped. See 'millrace status'");
        }
        if (stop.get().sourceChange().isPresent()) {
            return refused(
                    "The source table of "
                            + table
                            + " has changed ("
                            + stop.get().sourceChange().get()
                            + "). See 'millrace status': restore the definition, or check that the"
                            + " target accepts the values and add --accept-schema");
        }
        switch (stoppedTables.identity(connection, table)) {
            case SAME -> {}
            case MISSING -> {
                return refused(
                        "The target has no table "
                                + table
                                + ". If it was renamed, rename it back. If it was dropped, its rows"
                                + " are lost: create it again and run 'millrace rebackfill', which reads"
                                + " every row again");
            }
            case ANOTHER -> {
                return refused(
                        "The target table "
                                + table
                                + " was created again after its backfill began, so it lacks rows"
                                + " that were applied before. Run 'millrace rebackfill', which reads every"
                                + " row again");
            }
        }
        parking.rows().forget(table);
        Worked retried = retry(connection, generation, table, stopped);
        Optional<String> exceeded =
                parking.limit()
                        .exceeded(table, parking.store().size(connection, generation, table));
        if (exceeded.isEmpty() && !stop.get().continues()) {
            stoppedTables.resume(connection, generation, table);
        }
        return new Worked(
                new KeyRequest.Outcome(
                        retried.outcome().done(), retried.outcome().refused(), exceeded),
                retried.applied(),
                parking.store().judgements(connection, generation));
    }

    /// The oldest changes of a key are those that wait.
    private Worked retry(Connection connection, int generation, TableId table, Set<TableId> stopped)
            throws SQLException, TableStop {
        Set<Long> ids =
                parking.store().open(connection, generation).stream()
                        .filter(key -> key.table().whole().equals(table))
                        .map(ParkedKey::id)
                        .collect(Collectors.toSet());
        if (ids.isEmpty()) {
            return new Worked(
                    new KeyRequest.Outcome(List.of(), Map.of()),
                    new WriteOutcome.Applied(Map.of(), List.of(), List.of()),
                    Map.of());
        }
        Set<TableId> others = new HashSet<>(stopped);
        others.remove(table);
        return KeyRetry.run(
                parking,
                new KeyWork(new KeyWork.Asked(new KeyRequest.Retry(ids)), work.from()),
                List.of(),
                others);
    }

    private Worked refused(String why) throws SQLException {
        return new Worked(
                new KeyRequest.Outcome(List.of(), Map.of(), Optional.of(why)),
                new WriteOutcome.Applied(Map.of(), List.of(), List.of()),
                parking.store()
                        .judgements(parking.connection(), work.from().getFirst().generation()));
    }
}
