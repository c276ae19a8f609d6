package dev.millrace.digest;

import dev.millrace.change.RowKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The keys from a bound up to another one, in the order of the key's types. The ranges between any
/// bounds in this order contain each key exactly once. Immutable.
///
/// @param from the first key; `null` for all keys before `to`
/// @param to the first key after the range; `null` for all keys from `from` on
public record KeyRange(@Nullable RowKey from, @Nullable RowKey to) {

    public static final KeyRange ALL = new KeyRange(null, null);

    /// The texts of the first key's columns; `null` if there is no first key. They have no NULL.
    public @Nullable List<String> fromTexts() {
        return texts(from);
    }

    /// The texts of the columns of the first key after the range; `null` if there is none.
    public @Nullable List<String> toTexts() {
        return texts(to);
    }

    private static @Nullable List<String> texts(@Nullable RowKey bound) {
        return bound == null ? null : bound.values().stream().map(String::valueOf).toList();
    }

    /// The ranges that these bounds divide this one into.
    ///
    /// @param bounds keys of this range in its order; one that equals the bound before it is left
    ///   out
    public List<KeyRange> split(List<RowKey> bounds) {
        List<KeyRange> ranges = new ArrayList<>();
        RowKey last = from;
        for (RowKey bound : bounds) {
            if (!Objects.equals(bound, last) && !Objects.equals(bound, to)) {
                ranges.add(new KeyRange(last, bound));
                last = bound;
            }
        }
        ranges.add(new KeyRange(last, to));
        return List.copyOf(ranges);
    }
}
