package dev.millrace.chunk;

import dev.millrace.change.RowKey;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/// Some rows of a table, named so that both sides mean the same ones.
public sealed interface Chunk {

    /// Whole buckets of a digest.
    ///
    /// @param of how many buckets it has
    record Buckets(int of, Set<Integer> numbers) implements Chunk {
        public Buckets {
            numbers = Set.copyOf(numbers);
        }
    }

    /// The rows of these target keys, in the target's texts.
    record Keys(List<RowKey> keys) implements Chunk {
        public Keys {
            keys = List.copyOf(keys);
        }

        public static Keys of(Collection<RowKey> keys) {
            return new Keys(List.copyOf(keys));
        }
    }
}
