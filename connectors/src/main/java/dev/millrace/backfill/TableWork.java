package dev.millrace.backfill;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.Leaves.Leaf;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Optional;

/// What is left to read of one table in one run of the backfill. Performs no I/O. Not thread-safe;
/// guarded by [Work].
final class TableWork {

    /// What is left to read of one leaf.
    static final class LeafWork {
        private final Leaf leaf;
        private final PageRanges ranges;
        private boolean altered;

        private LeafWork(Leaf leaf, BackfillState state) {
            this.leaf = leaf;
            TidRange.Union done =
                    state.read(leaf.version()).map(Fact.OfLeaf::done).orElse(TidRange.Union.NONE);
            this.ranges = new PageRanges(done.missing(), leaf.pages());
        }

        Leaf leaf() {
            return leaf;
        }

        PageRanges ranges() {
            return ranges;
        }

        /// The leaf was rewritten or detached: no further range of it is read, and the leaves are
        /// looked up again when no reader works on it any more.
        void markAltered() {
            altered = true;
        }

        private boolean isDone() {
            return !ranges.hasNext() && !ranges.isBusy();
        }
    }

    /// What a reader can do for the table.
    sealed interface Step {

        /// Read rows by key, then call [Work#keysRead].
        record ReadKeys(TableWork table, List<RowKey> keys) implements Step {}

        record ReadRange(TableWork table, LeafWork leaf, TidRange range) implements Step {}

        /// Look up the leaves, then call [#looked].
        record Look(TableWork table) implements Step {}

        /// Write that the table is complete, then call [#completed].
        record Complete(TableWork table) implements Step {}
    }

    private enum Phase {
        /// The leaves must be looked up.
        UNKNOWN,
        LOOKING,
        READING,
        /// At the last look every leaf was read.
        READ,
        COMPLETING,
        COMPLETE
    }

    private final Relation planned;
    private RowSchema schema;
    private List<LeafWork> leaves = List.of();
    private Phase phase;

    /// @param planned with the key by which the stream identifies rows
    TableWork(Relation planned, boolean complete) {
        this.planned = planned;
        this.schema = schema(planned);
        this.phase = complete ? Phase.COMPLETE : Phase.UNKNOWN;
    }

    /// The columns of a row as the stream delivers them: all that the source does not compute.
    static RowSchema schema(Relation relation) {
        return RowSchema.keyed(
                relation.id(),
                relation.columns().stream()
                        .filter(column -> !column.generated())
                        .map(Relation.Column::name)
                        .toList(),
                relation.key());
    }

    TableId id() {
        return planned.id();
    }

    /// With the key by which the stream identifies rows; the columns may have changed since.
    Relation planned() {
        return planned;
    }

    RowSchema schema() {
        return schema;
    }

    boolean isComplete() {
        return phase == Phase.COMPLETE;
    }

    boolean mustLook() {
        return phase == Phase.UNKNOWN;
    }

    Optional<Step> next(long maxBytes, long maxRows) {
        return switch (phase) {
            case UNKNOWN -> {
                phase = Phase.LOOKING;
                yield Optional.of(new Step.Look(this));
            }
            case READING -> reading(maxBytes, maxRows);
            case READ -> {
                phase = Phase.COMPLETING;
                yield Optional.of(new Step.Complete(this));
            }
            case LOOKING, COMPLETING, COMPLETE -> Optional.empty();
        };
    }

    private Optional<Step> reading(long maxBytes, long maxRows) {
        for (LeafWork leaf : leaves) {
            if (!leaf.altered) {
                Optional<TidRange> range = leaf.ranges.take(maxBytes, maxRows);
                if (range.isPresent()) {
                    return Optional.of(new Step.ReadRange(this, leaf, range.get()));
                }
            }
        }
        // The leaves are looked up again before the table is complete, and after a rewrite. The
        // ranges in progress belong to the leaf as it was, so they must have ended.
        if (leaves.stream().noneMatch(leaf -> leaf.ranges.isBusy())) {
            phase = Phase.LOOKING;
            return Optional.of(new Step.Look(this));
        }
        return Optional.empty();
    }

    /// The leaves as they are now. A leaf that is known in the same version keeps its plan. The
    /// table is read when every one of them is: a leaf that was read and then altered or attached
    /// is another leaf.
    ///
    /// @param now the table's columns
    void looked(Relation now, List<Leaf> found, BackfillState state) {
        schema = schema(new Relation(planned.id(), now.columns(), planned.key()));
        leaves =
                found.stream()
                        .map(leaf -> known(leaf).orElseGet(() -> new LeafWork(leaf, state)))
                        .toList();
        phase = leaves.stream().allMatch(LeafWork::isDone) ? Phase.READ : Phase.READING;
    }

    private Optional<LeafWork> known(Leaf found) {
        return leaves.stream()
                .filter(leaf -> !leaf.altered && leaf.leaf.version().equals(found.version()))
                .findFirst();
    }

    /// @param written whether the log contains it
    void completed(boolean written) {
        phase = written ? Phase.COMPLETE : Phase.UNKNOWN;
    }

    /// Look up the leaves and the columns again.
    void lookAgain() {
        leaves.forEach(LeafWork::markAltered);
    }

    /// The planner's estimate; 0 if unknown.
    long estimatedRows() {
        return leaves.stream().mapToLong(leaf -> leaf.leaf.estimatedRows()).sum();
    }
}
