package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.apply.TargetTask.PartitionBatch;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The progress of one partition of a target topic: its stored offset, the records after it that
/// were read and are not applied yet, and whether a transaction is in progress. Drops records that
/// the stored offset's token, or an earlier record, already covers. Not thread-safe; confined to
/// the consumer's thread.
final class PartitionProgress {

    /// `change` is `null` for a record that was dropped: only its offset is stored.
    private record Pending(long offset, @Nullable TargetChange change, int bytes) {
        boolean isOnlyOffset() {
            return change == null || change instanceof TargetChange.Watermark;
        }
    }

    private final Deque<Pending> pending = new ArrayDeque<>();
    private final boolean hasTokens;
    private StoredOffset stored;
    private Token last;
    private long bytes;
    private int rowChanges;
    private boolean inFlight;
    private Instant lastMove = Instant.EPOCH;

    PartitionProgress(TargetTopic topic, StoredOffset stored) {
        this.hasTokens = topic.hasTokens();
        this.stored = stored;
        this.last = stored.token();
    }

    /// Discards what was read and continues after another stored offset.
    void reset(StoredOffset found) {
        pending.clear();
        bytes = 0;
        rowChanges = 0;
        stored = found;
        last = found.token();
    }

    /// Adds the next record that was read.
    ///
    /// @param size of the record in bytes
    /// @throws ApplierFailure when the record is of a generation that has not begun here
    void add(long offset, TargetChange change, int size) {
        if (change.token().generation() > stored.generation()) {
            throw new ApplierFailure(
                    "Offset %d of partition %d belongs to generation %d, but the stored offsets belong to generation %d."
                            .formatted(
                                    offset,
                                    stored.partition(),
                                    change.token().generation(),
                                    stored.generation()));
        }
        boolean isNew = isNew(change.token());
        if (isNew) {
            last = change.token();
        }
        push(new Pending(offset, isNew ? change : null, size));
    }

    /// Without tokens every record of the stored generation is new: the topic's producer writes
    /// each one once.
    private boolean isNew(Token token) {
        return hasTokens ? token.compareTo(last) > 0 : token.generation() == stored.generation();
    }

    StoredOffset stored() {
        return stored;
    }

    /// The number of records that were read and are not in a batch yet.
    int size() {
        return pending.size();
    }

    /// The size of these records.
    long bytes() {
        return bytes;
    }

    boolean isInFlight() {
        return inFlight;
    }

    /// A transaction of this partition was handed to a writer.
    void submitted() {
        inFlight = true;
    }

    /// The writer has returned the transaction.
    void returned() {
        inFlight = false;
    }

    /// A batch is applied up to this offset.
    void applied(StoredOffset to, Instant now) {
        stored = to;
        lastMove = now;
    }

    /// The truncate at the head is applied.
    void truncated(StoredOffset to, Instant now) {
        pop();
        applied(to, now);
    }

    /// Whether a batch should be written now. Rows are written at once. Watermarks and dropped
    /// records alone wait until the stored offset has not moved for `idleMove`; a clock that was
    /// set back does not make them wait longer.
    boolean isDue(Instant now, Duration idleMove) {
        return !inFlight
                && !pending.isEmpty()
                && (rowChanges > 0
                        || Duration.between(lastMove, now).abs().compareTo(idleMove) >= 0);
    }

    /// Whether no transaction is in progress and the next record is a truncate.
    boolean isAtTruncate() {
        return !inFlight && truncate().isPresent();
    }

    /// The truncate that directly follows the stored offset.
    Optional<TargetChange.Truncate> truncate() {
        Pending head = pending.peek();
        return head != null && head.change() instanceof TargetChange.Truncate truncate
                ? Optional.of(truncate)
                : Optional.empty();
    }

    /// The stored offset after the truncate at the head.
    StoredOffset afterTruncate() {
        Pending head = pending.element();
        if (head.change() instanceof TargetChange.Truncate truncate) {
            return at(head.offset(), truncate.token(), stored.watermark());
        }
        throw new ApplierFailure(
                "The next record of partition %d is not a truncate.".formatted(stored.partition()));
    }

    /// Takes the next batch: up to the limits, to a truncate, or to where a table's schema changes.
    /// Empty when no record precedes the next truncate.
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
                        || !hasSameSchema(schemas, next.change())) {
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
        rowChanges += next.isOnlyOffset() ? 0 : 1;
    }

    private void pop() {
        Pending next = pending.remove();
        bytes -= next.bytes();
        rowChanges -= next.isOnlyOffset() ? 0 : 1;
    }

    private StoredOffset at(long offset, Token token, WatermarkNumber watermark) {
        return new StoredOffset(stored.partition(), stored.topicId(), offset + 1, token, watermark);
    }

    private static WatermarkNumber later(WatermarkNumber watermark, TargetChange change) {
        if (change instanceof TargetChange.Watermark(var _, WatermarkNumber next)
                && next.compareTo(watermark) > 0) {
            return next;
        }
        return watermark;
    }

    /// Rows of two schemas of one table cannot be merged, so they are not in one batch.
    private static boolean hasSameSchema(Map<TableId, RowSchema> schemas, TargetChange change) {
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
