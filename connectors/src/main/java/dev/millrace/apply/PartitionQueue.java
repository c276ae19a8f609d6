package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.apply.TargetTask.PartitionBatch;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What was read of one partition and is not applied yet, behind the stored offset. Drops what the
/// stored offset's token, or an earlier record, already covers. For the consumer's thread.
final class PartitionQueue {

    /// `change` is `null` for a record that was dropped: its offset moves, nothing else.
    private record Pending(long offset, @Nullable TargetChange change, int bytes) {
        boolean isIdle() {
            return change == null || change instanceof TargetChange.Watermark;
        }
    }

    private final Deque<Pending> pending = new ArrayDeque<>();
    private StoredOffset stored;
    private Token last;
    private long bytes;
    private int changesOfRows;

    PartitionQueue(StoredOffset stored) {
        this.stored = stored;
        this.last = stored.token();
    }

    /// Begins anew behind what the target has.
    void reset(StoredOffset found) {
        pending.clear();
        bytes = 0;
        changesOfRows = 0;
        stored = found;
        last = found.token();
    }

    /// @throws IllegalStateException when the record is of a generation that has not begun here
    void add(long offset, TargetChange change, int size) {
        if (change.token().generation() > stored.generation()) {
            throw new ApplierFailure(
                    "offset %d of partition %d is of generation %d, the stored offsets are of %d"
                            .formatted(
                                    offset,
                                    stored.partition(),
                                    change.token().generation(),
                                    stored.generation()));
        }
        boolean isNew = change.token().compareTo(last) > 0;
        if (isNew) {
            last = change.token();
        }
        push(new Pending(offset, isNew ? change : null, size));
    }

    StoredOffset stored() {
        return stored;
    }

    void applied(StoredOffset to) {
        stored = to;
    }

    int size() {
        return pending.size();
    }

    long bytes() {
        return bytes;
    }

    /// True when nothing but watermarks and dropped records waits: it may rest a moment.
    boolean isIdle() {
        return changesOfRows == 0;
    }

    /// The truncate that stands right behind the stored offset.
    Optional<TargetChange.Truncate> truncate() {
        Pending head = pending.peek();
        return head != null && head.change() instanceof TargetChange.Truncate truncate
                ? Optional.of(truncate)
                : Optional.empty();
    }

    /// The stored offset behind the truncate at the head.
    StoredOffset behindTruncate() {
        Pending head = pending.element();
        if (head.change() instanceof TargetChange.Truncate truncate) {
            return at(head.offset(), truncate.token(), stored.watermark());
        }
        throw new ApplierFailure("partition " + stored.partition() + " holds no truncate");
    }

    void takeTruncate() {
        pop();
    }

    /// The next batch: up to the limits, to a truncate, or to where a table's schema changes. Empty
    /// when nothing waits before a truncate.
    Optional<PartitionBatch> take(int maxRows, long maxBytes) {
        Map<TableId, RowSchema> schemas = new HashMap<>();
        List<TargetChange> changes = new ArrayList<>();
        StoredOffset to = stored;
        Token token = stored.token();
        WatermarkNumber watermark = stored.watermark();
        long taken = 0;
        while (!pending.isEmpty() && changes.size() < maxRows && taken < maxBytes) {
            Pending next = pending.element();
            if (next.change() != null) {
                if (next.change() instanceof TargetChange.Truncate
                        || !fits(schemas, next.change())) {
                    break;
                }
                changes.add(next.change());
                token = next.change().token();
                watermark = later(watermark, next.change());
            }
            taken += next.bytes();
            pop();
            to = at(next.offset(), token, watermark);
        }
        return to == stored
                ? Optional.empty()
                : Optional.of(new PartitionBatch(stored, to, changes));
    }

    private void push(Pending next) {
        pending.add(next);
        bytes += next.bytes();
        changesOfRows += next.isIdle() ? 0 : 1;
    }

    private void pop() {
        Pending next = pending.remove();
        bytes -= next.bytes();
        changesOfRows -= next.isIdle() ? 0 : 1;
    }

    private StoredOffset at(long offset, Token token, WatermarkNumber watermark) {
        return new StoredOffset(stored.partition(), stored.topicId(), offset + 1, token, watermark);
    }

    private WatermarkNumber later(WatermarkNumber watermark, TargetChange change) {
        if (change instanceof TargetChange.Watermark(var _, WatermarkNumber next)
                && next.compareTo(watermark) > 0) {
            return next;
        }
        return watermark;
    }

    /// Rows of two schemas of one table are not laid over one another.
    private static boolean fits(Map<TableId, RowSchema> schemas, TargetChange change) {
        return switch (change) {
            case TargetChange.Upsert upsert -> {
                RowSchema schema = upsert.row().schema();
                RowSchema before = schemas.putIfAbsent(schema.table(), schema);
                yield before == null || before.equals(schema);
            }
            case TargetChange.Delete _,
                    TargetChange.Rejected _,
                    TargetChange.Truncate _,
                    TargetChange.Watermark _ ->
                    true;
        };
    }
}
