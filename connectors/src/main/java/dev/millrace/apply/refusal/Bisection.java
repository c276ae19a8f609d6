package dev.millrace.apply.refusal;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds the keys of a batch that the target refuses, by writing halves of it. What is not refused
/// is written. A key that another one of the batch was in the way of is tried once more at the end.
/// Not thread-safe.
///
/// With `r` refused keys among `n` it needs about `2 · r · log2(n / r)` attempts.
public final class Bisection<K> {

    /// Writes some keys in the caller's transaction.
    @FunctionalInterface
    public interface Attempt<K> {

        /// @return why the target refused one of them; then nothing of this attempt remains
        Optional<RowRefusal> write(List<K> keys) throws SQLException, TableStop;
    }

    private final Attempt<K> attempt;
    private final long most;
    private final Map<K, RowRefusal> refused = new LinkedHashMap<>();

    private Bisection(Attempt<K> attempt, long most) {
        this.attempt = attempt;
        this.most = most;
    }

    /// @param keys in the order in which they are written
    /// @param most number of refused keys after which the search ends
    /// @return the refused keys; more than `most` only if the search ended early, and then the keys
    ///   that it did not reach are not written
    public static <K> Map<K, RowRefusal> write(List<K> keys, Attempt<K> attempt, long most)
            throws SQLException, TableStop {
        Bisection<K> bisection = new Bisection<>(attempt, most);
        bisection.halves(keys);
        bisection.again();
        return bisection.refused;
    }

    private void halves(List<K> keys) throws SQLException, TableStop {
        if (keys.isEmpty() || refused.size() > most) {
            return;
        }
        Optional<RowRefusal> refusal = attempt.write(keys);
        if (refusal.isEmpty()) {
            return;
        }
        if (keys.size() == 1) {
            refused.put(keys.getFirst(), refusal.get());
            return;
        }
        int middle = keys.size() / 2;
        halves(keys.subList(0, middle));
        halves(keys.subList(middle, keys.size()));
    }

    private void again() throws SQLException, TableStop {
        if (refused.size() > most) {
            return;
        }
        List<K> ofOrder = new ArrayList<>();
        refused.forEach(
                (key, refusal) -> {
                    if (refusal.isOfOrder()) {
                        ofOrder.add(key);
                    }
                });
        ofOrder.forEach(refused::remove);
        halves(ofOrder);
    }
}
