package dev.millrace.apply;

import dev.millrace.apply.refusal.Bisection;
import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.rows.RowWriter;
import dev.millrace.apply.rows.TableChanges;
import dev.millrace.apply.rows.WaitingChanges;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.apply.task.WriteOutcome.Parked;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.ParkedKeys.State;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Tries keys again that were set aside, in a transaction that has the stored offsets of their
/// partitions locked, so that no change of them passes by. Not thread-safe; used for one task.
///
/// A key is released only with all its changes, in their order. Keys of one table are written
/// together: they may be in each other's way.
final class KeyRetry {

    /// So many partial rows are tried with all others out of the way; with more this would take too
    /// long, and their keys remain held.
    private static final int MOST_APART = 64;

    /// Also after a lost reply to COMMIT, when the work is done twice.
    private static final String UNKNOWN =
            "No key with this id waits. Its changes may be applied already: see 'millrace rejected"
                    + " list'.";

    private static final String STOPPED = "The table is stopped, so its changes are not applied.";

    private final Connection connection;
    private final RowWriter rows;
    private final ParkedKeys store;
    private final boolean moves;
    private final KeyWork work;
    private final Set<TableId> stopped;
    private final int generation;
    private final List<Long> done = new ArrayList<>();
    private final Map<Long, String> refused = new TreeMap<>();
    private final Map<TableId, Long> changes = new HashMap<>();
    private final List<Parked> parked = new ArrayList<>();

    private KeyRetry(KeyParking.Setup setup, KeyWork work, Set<TableId> stopped) {
        this.connection = setup.connection();
        this.rows = setup.rows();
        this.store = setup.store();
        this.moves = setup.moves();
        this.work = work;
        this.stopped = stopped;
        this.generation = work.from().getFirst().generation();
    }

    /// @param stops tables that this work has found unable to take changes
    /// @param stopped all tables whose changes are not applied
    static WriteOutcome.Worked run(
            KeyParking.Setup setup, KeyWork work, List<StoppedTable> stops, Set<TableId> stopped)
            throws SQLException, TableStop {
        return new KeyRetry(setup, work, stopped).run(stops);
    }

    private WriteOutcome.Worked run(List<StoppedTable> stops) throws SQLException, TableStop {
        List<ParkedKey> open = store.open(connection, generation);
        switch (work.what()) {
            case KeyWork.Judgement judgement ->
                    retry(
                            open.stream().filter(key -> key.state() == State.HELD).toList(),
                            judgement);
            case KeyWork.Asked(KeyRequest.Retry(Set<Long> ids)) ->
                    retry(ids.isEmpty() ? open : chosen(open, ids), KeyWork.Judgement.NONE);
            case KeyWork.Asked(KeyRequest.Resume resume) ->
                    throw new IllegalStateException(
                            "Table " + resume.table() + " is resumed by TableResume.");
            case KeyWork.Asked(KeyRequest.Skip skip) -> {
                for (ParkedKey key : chosen(open, skip.ids())) {
                    store.skip(connection, key.id(), skip.who(), skip.reason());
                    done.add(key.id());
                }
            }
        }
        return new WriteOutcome.Worked(
                new KeyRequest.Outcome(done, refused),
                new WriteOutcome.Applied(changes, stops, parked),
                store.judgements(connection, generation));
    }

    private List<ParkedKey> chosen(List<ParkedKey> open, Set<Long> ids) {
        List<ParkedKey> chosen = open.stream().filter(key -> ids.contains(key.id())).toList();
        ids.forEach(id -> refused.put(id, UNKNOWN));
        chosen.forEach(key -> refused.remove(key.id()));
        return chosen;
    }

    private void retry(List<ParkedKey> keys, KeyWork.Judgement judgement)
            throws SQLException, TableStop {
        Map<TableId, List<ParkedKey>> tables = new LinkedHashMap<>();
        keys.stream()
                .filter(key -> work.covers(key.partition()))
                .forEach(
                        key ->
                                tables.computeIfAbsent(key.table(), _ -> new ArrayList<>())
                                        .add(key));
        for (Map.Entry<TableId, List<ParkedKey>> table : tables.entrySet()) {
            if (stopped.contains(table.getKey().whole())) {
                table.getValue().forEach(key -> refused.put(key.id(), STOPPED));
            } else {
                retry(table.getKey(), table.getValue(), judgement);
            }
        }
    }

    private void retry(TableId table, List<ParkedKey> keys, KeyWork.Judgement judgement)
            throws SQLException, TableStop {
        WaitingChanges waiting = new WaitingChanges();
        for (ParkedKey key : keys) {
            waiting.add(key.rowKey(), store.changes(connection, key.id()));
        }
        Refusals refusals = write(table, waiting);
        for (ParkedKey key : keys) {
            RowRefusal refusal = refusals.all().get(key.rowKey());
            String unmapped = waiting.unmapped().get(key.rowKey());
            if (refusal != null) {
                refuse(key, refusal, refusals.alone().contains(key.rowKey()), judgement);
            } else if (unmapped != null) {
                park(key, unmapped);
            } else {
                store.remove(connection, key.id());
                done.add(key.id());
                changes.merge(table.whole(), key.changes(), Long::sum);
            }
        }
    }

    /// No watermark makes a change applicable that could not be mapped.
    private void park(ParkedKey key, String unmapped) throws SQLException {
        refused.put(key.id(), unmapped);
        if (key.state() == State.HELD) {
            parked.add(new Parked(key.table().whole(), unmapped, false));
        }
        store.refused(
                connection, key.id(), State.PARKED, unmapped, "", new ParkedKeys.Judged(-1, 0));
    }

    /// The stored cause names the column that did not accept a value, which was searched when the
    /// key was set aside.
    private static String cause(ParkedKey key, RowRefusal refusal) {
        return refusal.lacksColumn().isPresent() && refusal.sqlState().equals(key.sqlState())
                ? key.cause()
                : refusal.reason();
    }

    /// Without moves, keys that are in each other's way cannot be told from a real conflict.
    ///
    /// @param alone whether no other key of this work was in its way
    private void refuse(
            ParkedKey key, RowRefusal refusal, boolean alone, KeyWork.Judgement judgement)
            throws SQLException {
        String cause = cause(key, refusal);
        refused.put(key.id(), cause);
        boolean held = key.state() == State.HELD;
        if (held && refusal.isOfOrder() && key.judgeAt() > judgement.passed()) {
            return;
        }
        boolean again =
                held
                        && refusal.isOfOrder()
                        && (!alone && moves || key.judgedChanges() != key.changes());
        if (held && !again) {
            parked.add(new Parked(key.table().whole(), cause, false));
        }
        store.refused(
                connection,
                key.id(),
                again ? State.HELD : State.PARKED,
                cause,
                refusal.sqlState(),
                new ParkedKeys.Judged(
                        again ? judgement.latest() + 1 : -1, alone || !moves ? key.changes() : 0));
    }

    /// The keys that are refused; all others are written.
    ///
    /// @param alone those of them that are refused although all others are out of their way
    private record Refusals(Map<RowKey, RowRefusal> all, Set<RowKey> alone) {}

    private Refusals write(TableId table, WaitingChanges waiting) throws SQLException, TableStop {
        List<RowKey> keys = waiting.keys();
        Optional<RowRefusal> together =
                keys.isEmpty() ? Optional.empty() : attempt(table, waiting, keys);
        if (together.isEmpty()) {
            return new Refusals(Map.of(), Set.of());
        }
        Map<RowKey, RowRefusal> all = alone(table, waiting);
        Set<RowKey> alone = Set.copyOf(all.keySet());
        List<RowKey> rest = keys.stream().filter(key -> !alone.contains(key)).toList();
        all.putAll(Bisection.write(rest, some -> attempt(table, waiting, some), Long.MAX_VALUE));
        return new Refusals(all, alone);
    }

    /// Why the target refuses keys although the rows of all others are out of the table. Nothing
    /// remains of it. A partial row needs its row in the table, so it is tried by itself, some in
    /// each judgement.
    private Map<RowKey, RowRefusal> alone(TableId table, WaitingChanges waiting)
            throws SQLException, TableStop {
        List<RowKey> whole = waiting.keys().stream().filter(waiting::isWhole).toList();
        List<RowKey> partial =
                waiting.keys().stream().filter(key -> !waiting.isWhole(key)).toList();
        if (moves && !partial.isEmpty()) {
            // Each of them is tried within a savepoint that is undone.
            Optional<RowRefusal> _ = attempt(() -> rows.prepareMove(table, waiting.of(partial)));
        }
        Savepoint before = connection.setSavepoint();
        Map<RowKey, RowRefusal> refusals = new HashMap<>();
        remove(table, waiting, waiting.keys());
        refusals.putAll(
                Bisection.write(
                        whole,
                        some -> attempt(() -> writeAll(table, waiting.of(some))),
                        Long.MAX_VALUE));
        restore(before);
        for (RowKey key : partial.subList(0, Math.min(partial.size(), MOST_APART))) {
            apart(table, waiting, key).ifPresent(refusal -> refusals.put(key, refusal));
        }
        return refusals;
    }

    private Optional<RowRefusal> apart(TableId table, WaitingChanges waiting, RowKey key)
            throws SQLException, TableStop {
        Savepoint before = connection.setSavepoint();
        List<RowKey> others = new ArrayList<>(waiting.keys());
        others.remove(key);
        if (!others.isEmpty()) {
            remove(table, waiting, others);
        }
        Optional<RowRefusal> refusal = attempt(table, waiting, List.of(key));
        restore(before);
        return refusal;
    }

    /// Rows that the target does not delete stay: then they are in the way for good.
    private void remove(TableId table, WaitingChanges waiting, List<RowKey> keys)
            throws SQLException {
        attempt(() -> rows.write(table, waiting.deleted(keys), false));
    }

    private Optional<RowRefusal> attempt(TableId table, WaitingChanges waiting, List<RowKey> some)
            throws SQLException, TableStop {
        List<TableChanges> steps = waiting.of(some);
        Optional<RowRefusal> refusal = attempt(() -> writeAll(table, steps));
        if (!moves || refusal.filter(RowRefusal::isOfOrder).isEmpty()) {
            return refusal;
        }
        // What it creates outlives a refusal of the attempt.
        Optional<RowRefusal> unprepared = attempt(() -> rows.prepareMove(table, steps));
        return unprepared.isPresent()
                ? unprepared
                : attempt(
                        () -> {
                            rows.move(table, steps);
                            writeAll(table, steps);
                        });
    }

    private void writeAll(TableId table, List<TableChanges> steps)
            throws SQLException, TableStop, RowRefusal {
        for (TableChanges step : steps) {
            rows.write(table, step, false);
        }
    }

    @FunctionalInterface
    private interface Writing {
        void run() throws SQLException, TableStop, RowRefusal;
    }

    /// What would stop the table in a batch refuses the key here: its changes are older than what
    /// the table accepts now.
    private Optional<RowRefusal> attempt(Writing writing) throws SQLException {
        Savepoint before = connection.setSavepoint();
        try {
            writing.run();
            connection.releaseSavepoint(before);
            return Optional.empty();
        } catch (RowRefusal refusal) {
            restore(before);
            return Optional.of(refusal);
        } catch (TableStop stop) {
            restore(before);
            rows.forget(stop.table());
            return Optional.of(RowRefusal.of(stop));
        }
    }

    private void restore(Savepoint savepoint) throws SQLException {
        connection.rollback(savepoint);
        connection.releaseSavepoint(savepoint);
        rows.rolledBack();
    }
}
