package dev.millrace.apply.rows;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The changes of some keys of one table that wait, as they are applied now. A change that could
/// not be mapped has no effect once a later one gives the whole row or deletes it. Pure. Not
/// thread-safe.
public final class WaitingChanges {

    private final Map<RowKey, List<List<TargetChange>>> runs = new LinkedHashMap<>();
    private final Map<RowKey, String> unmapped = new LinkedHashMap<>();

    /// @param changes of one key, in the order of the log
    public void add(RowKey key, List<TargetChange> changes) {
        int begin = 0;
        Optional<String> reason = Optional.empty();
        for (int i = 0; i < changes.size(); i++) {
            if (changes.get(i) instanceof TargetChange.Rejected rejected) {
                reason = Optional.of(rejected.reason());
            } else if (reason.isPresent() && givesTheRow(changes.get(i))) {
                begin = i;
                reason = Optional.empty();
            }
        }
        if (reason.isPresent()) {
            unmapped.put(key, reason.get());
        } else {
            runs.put(key, runs(changes.subList(begin, changes.size())));
        }
    }

    private static boolean givesTheRow(TargetChange change) {
        return change instanceof TargetChange.Delete
                || change instanceof TargetChange.Upsert(var _, Row row) && !row.isPartial();
    }

    /// Rows of two schemas cannot be merged, so each run has one.
    private static List<List<TargetChange>> runs(List<TargetChange> changes) {
        List<List<TargetChange>> runs = new ArrayList<>();
        @Nullable RowSchema schema = null;
        for (TargetChange change : changes) {
            @Nullable RowSchema next = schema(change);
            if (runs.isEmpty() || next != null && schema != null && !next.equals(schema)) {
                runs.add(new ArrayList<>());
                schema = null;
            }
            schema = next == null ? schema : next;
            runs.getLast().add(change);
        }
        return runs;
    }

    /// Of the row that the change writes.
    private static @Nullable RowSchema schema(TargetChange change) {
        return change instanceof TargetChange.Upsert(var _, Row row) ? row.schema() : null;
    }

    /// The keys of which a change could not be mapped and no later one gives the row, with its
    /// reason.
    public Map<RowKey, String> unmapped() {
        return unmapped;
    }

    /// The keys that can be applied.
    public List<RowKey> keys() {
        return List.copyOf(runs.keySet());
    }

    /// The changes of some keys, in the order in which they are written.
    public List<TableChanges> of(Collection<RowKey> keys) {
        List<TableChanges> steps = new ArrayList<>();
        int longest = keys.stream().mapToInt(key -> runs(key).size()).max().orElse(0);
        for (int number = 0; number < longest; number++) {
            Map<RowSchema, TableChanges> bySchema = new LinkedHashMap<>();
            for (RowKey key : keys) {
                if (number < runs(key).size()) {
                    add(runs(key).get(number), bySchema);
                }
            }
            steps.addAll(bySchema.values());
        }
        return steps;
    }

    /// Whether the changes of the key need no row of it in the table.
    public boolean isWhole(RowKey key) {
        return of(List.of(key)).stream().allMatch(step -> step.updates().isEmpty());
    }

    /// Deletes of keys, at least one.
    public TableChanges deleted(List<RowKey> keys) {
        TableChanges deletes = new TableChanges(of(keys).getFirst().keySchema());
        for (RowKey key : keys) {
            deletes.delete(Row.of(deletes.keySchema(), key.values().toArray(String[]::new)), 0);
        }
        return deletes;
    }

    private List<List<TargetChange>> runs(RowKey key) {
        return runs.getOrDefault(key, List.of());
    }

    private static void add(List<TargetChange> run, Map<RowSchema, TableChanges> bySchema) {
        RowSchema schema =
                run.stream()
                        .<RowSchema>mapMulti(
                                (change, found) -> {
                                    RowSchema own = schema(change);
                                    if (own != null) {
                                        found.accept(own);
                                    }
                                })
                        .findFirst()
                        .orElseGet(() -> keySchema(run));
        TableChanges changes = bySchema.computeIfAbsent(schema, TableChanges::new);
        for (TargetChange change : run) {
            switch (change) {
                case TargetChange.Upsert(var token, Row row) ->
                        changes.upsert(row, token.changesOffset());
                case TargetChange.Delete(var token, Row key) ->
                        changes.delete(key, token.changesOffset());
                case TargetChange.Rejected _,
                        TargetChange.Truncate _,
                        TargetChange.BackfillComplete _,
                        TargetChange.Watermark _ ->
                        throw new IllegalStateException("Only rows wait.");
            }
        }
    }

    private static RowSchema keySchema(List<TargetChange> deletes) {
        if (deletes.getFirst() instanceof TargetChange.Delete(var _, Row key)) {
            return key.schema();
        }
        throw new IllegalStateException("Only rows wait.");
    }
}
