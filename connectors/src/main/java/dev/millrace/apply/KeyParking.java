package dev.millrace.apply;

import dev.millrace.apply.refusal.Bisection;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.rows.CompactedBatch;
import dev.millrace.apply.rows.RowWriter;
import dev.millrace.apply.rows.TableChanges;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.WriteOutcome.Parked;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.Hold;
import dev.millrace.control.ParkedKeys.Refused;
import dev.millrace.control.ParkedSize;
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
import java.util.TreeSet;

/// Sets the keys of one batch aside that the target refuses, in the transaction of the batch, which
/// has the partition's stored offset locked. Later changes of such a key wait behind the refused
/// one, also after a restart: applied over an older image, they would be wrong. Not thread-safe;
/// used for one batch.
final class KeyParking {

    /// The search for the column of a refused value takes several statements, and the first keys
    /// are enough to see the cause.
    private static final int MOST_COLUMNS = 100;

    private final Connection connection;
    private final RowWriter rows;
    private final ParkedKeys store;
    private final RejectedLimit limit;
    private final PartitionBatch batch;
    private final Map<RowKey, Long> ids;
    private final Map<RowKey, RowRefusal> refused = new HashMap<>();

    private KeyParking(
            Connection connection,
            RowWriter rows,
            ParkedKeys store,
            RejectedLimit limit,
            PartitionBatch batch)
            throws SQLException {
        this.connection = connection;
        this.rows = rows;
        this.store = store;
        this.limit = limit;
        this.batch = batch;
        this.ids = store.open(connection, batch.from().generation(), batch.partition());
    }

    /// What the parking of each batch uses.
    ///
    /// @param moves whether rows may be taken out and put back: the session has the replica role.
    ///   Without it, foreign keys of other tables would act on rows that are taken out
    record Setup(
            Connection connection,
            RowWriter rows,
            ParkedKeys store,
            RejectedLimit limit,
            boolean moves) {

        KeyParking of(PartitionBatch batch) throws SQLException {
            return new KeyParking(connection, rows, store, limit, batch);
        }
    }

    /// @param tables that exceed their limit with this batch, with the cause
    record Outcome(List<Parked> parked, Map<TableId, String> tables) {}

    /// The keys whose changes wait.
    Set<RowKey> open() {
        return Set.copyOf(ids.keySet());
    }

    /// Writes what the target accepts of a table, and remembers the keys that it refuses.
    ///
    /// @return the number of changes that were applied
    /// @throws TableStop when more keys would wait than the limit allows
    long write(TableId table, TableChanges changes) throws SQLException, TableStop {
        ParkedSize before = store.size(connection, batch.from().generation(), table);
        long most = Math.max(0, limit.of(table) - before.keys());
        List<RowKey> keys = changes.keys();
        Map<RowKey, RowRefusal> found =
                Bisection.write(keys, some -> attempt(table, changes, some), most);
        if (found.size() > most) {
            throw new TableStop(
                    table,
                    limit.exceeded(
                                    table,
                                    new ParkedSize(
                                            before.keys() + found.size(),
                                            before.held(),
                                            before.changes(),
                                            before.bytes()))
                            .orElseThrow());
        }
        for (Map.Entry<RowKey, RowRefusal> each : found.entrySet()) {
            refused.put(each.getKey(), withColumn(changes, each.getKey(), each.getValue()));
        }
        return changes.changeCount() - changes.of(found.keySet()).changeCount();
    }

    private Optional<RowRefusal> attempt(TableId table, TableChanges changes, List<RowKey> some)
            throws SQLException, TableStop {
        Savepoint before = connection.setSavepoint();
        try {
            rows.write(table, changes.of(Set.copyOf(some)), false);
            connection.releaseSavepoint(before);
            return Optional.empty();
        } catch (RowRefusal refusal) {
            restore(before);
            return Optional.of(refusal);
        }
    }

    private RowRefusal withColumn(TableChanges changes, RowKey key, RowRefusal refusal)
            throws SQLException, TableStop {
        if (refusal.lacksColumn().isEmpty() || refused.size() >= MOST_COLUMNS) {
            return refusal;
        }
        Savepoint before = connection.setSavepoint();
        Optional<String> column =
                rows.refusedColumn(changes.of(Set.of(key)), refusal.lacksColumn().get());
        restore(before);
        return refusal.at(column);
    }

    private void restore(Savepoint savepoint) throws SQLException {
        connection.rollback(savepoint);
        connection.releaseSavepoint(savepoint);
        rows.rolledBack();
    }

    /// Stores the keys that are set aside, and behind them every change that waits.
    Outcome store(CompactedBatch compacted) throws SQLException {
        int generation = batch.from().generation();
        List<Parked> parked = new ArrayList<>();
        Map<Long, List<TargetChange>> waiting = new LinkedHashMap<>();
        Set<TableId> grown = new TreeSet<>();
        for (TargetChange change : batch.changes()) {
            Optional<RowKey> key = key(change).filter(found -> !compacted.isStopped(found.table()));
            if (key.isEmpty()) {
                continue;
            }
            Long id = ids.get(key.get());
            if (id == null) {
                Optional<Refused> refusal = refusal(key.get(), change);
                if (refusal.isEmpty()) {
                    continue;
                }
                id = store.add(connection, generation, batch.partition(), refusal.get());
                ids.put(key.get(), id);
                parked.add(
                        new Parked(
                                key.get().table().whole(),
                                refusal.get().cause(),
                                refusal.get().hold() != null));
            }
            grown.add(key.get().table().whole());
            waiting.computeIfAbsent(id, _ -> new ArrayList<>()).add(change);
        }
        store.append(connection, waiting);
        return new Outcome(parked, exceeded(generation, grown));
    }

    private Optional<RowKey> key(TargetChange change) {
        return switch (change) {
            case TargetChange.Upsert(var _, Row row) -> key(row);
            case TargetChange.Delete(var _, Row row) -> key(row);
            case TargetChange.Rejected rejected ->
                    rows.parksKeys(rejected.target())
                            ? rejected.targetKey().map(Row::key)
                            : Optional.empty();
            case TargetChange.Truncate _,
                    TargetChange.BackfillComplete _,
                    TargetChange.Watermark _ ->
                    Optional.empty();
        };
    }

    /// Computing the keys of a batch of which nothing waits would cost every batch.
    private Optional<RowKey> key(Row row) {
        return ids.isEmpty() && refused.isEmpty() ? Optional.empty() : Optional.of(row.key());
    }

    private Optional<Refused> refusal(RowKey key, TargetChange first) {
        RowRefusal refusal = refused.get(key);
        if (refusal != null) {
            return Optional.of(
                    new Refused(
                            key,
                            refusal.reason(),
                            refusal.sqlState(),
                            first.token(),
                            refusal.isOfOrder() ? hold() : null));
        }
        return first instanceof TargetChange.Rejected rejected
                ? Optional.of(new Refused(key, rejected.reason(), "", first.token(), null))
                : Optional.empty();
    }

    /// The batch may contain watermarks after the change, so the key is judged at the next one.
    private Hold hold() {
        return new Hold(batch.from().watermark().number(), judgeAt(batch));
    }

    /// The watermark at which the keys are judged that the batch holds.
    static long judgeAt(PartitionBatch batch) {
        return batch.to().watermark().number() + 1;
    }

    private Map<TableId, String> exceeded(int generation, Set<TableId> grown) throws SQLException {
        Map<TableId, String> tables = new LinkedHashMap<>();
        for (TableId table : grown) {
            limit.exceeded(table, store.size(connection, generation, table))
                    .ifPresent(cause -> tables.put(table, cause));
        }
        return tables;
    }
}
