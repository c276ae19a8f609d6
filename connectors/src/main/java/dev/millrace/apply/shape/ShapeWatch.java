package dev.millrace.apply.shape;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.shape.TargetShape.Waiting;
import dev.millrace.change.TableId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Decides what is tried again by itself because the target's definition of a table has changed: a
/// label was added to an enum, a column was added, made longer or given another type. What was
/// tried with the same shape is not tried again. Not thread-safe.
public final class ShapeWatch {

    /// @param keys that were tried with the shape
    private record Tried(String shape, Set<Long> keys) {}

    private final Map<TableId, Tried> tried = new HashMap<>();

    /// A rejected key is tried once with the shape that the table has at the first look, because
    /// that it had when the key was rejected is not known. A stopped table continues only with
    /// another shape than at its stop.
    ///
    /// @param waiting the tables of which something waits now
    /// @return what is to be asked of the applier
    public List<KeyRequest> due(Map<TableId, Waiting> waiting) {
        tried.keySet().retainAll(waiting.keySet());
        List<KeyRequest> due = new ArrayList<>();
        waiting.forEach(
                (table, now) -> {
                    Tried last = tried.get(table);
                    boolean isNew = last == null || !last.shape().equals(now.shape());
                    if (now.isStopped()) {
                        if (isNew
                                && !now.shape().equals(TargetShape.MISSING)
                                && !now.stoppedWith().isEmpty()
                                && !now.stoppedWith().equals(now.shape())) {
                            due.add(new KeyRequest.Resume(table));
                            tried.put(table, new Tried(now.shape(), Set.of()));
                        }
                        return;
                    }
                    Set<Long> keys = new HashSet<>(now.keys());
                    if (last != null && !isNew) {
                        keys.removeAll(last.keys());
                    }
                    if (!keys.isEmpty()) {
                        due.add(new KeyRequest.Retry(keys));
                        tried.put(table, new Tried(now.shape(), Set.copyOf(now.keys())));
                    }
                });
        return due;
    }
}
