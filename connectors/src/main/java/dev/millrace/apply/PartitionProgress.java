package dev.millrace.apply;

import dev.millrace.apply.ApplierSettings.Limits;
import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.stopped.MissedChanges.Missed;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The progress of one partition of a target topic: its stored offset, the changes after it that
/// were read and are not applied yet, and whether a transaction is in progress. Drops changes that
/// the stored offset's token, or an earlier record, already covers, also inside a block.
///
/// The progress of a table that continues is one by itself: over the same log, from the first
/// change that the table missed to the last one, with the changes of this table only. Not
/// thread-safe; confined to the consumer's thread.
final class PartitionProgress {

    /// Changes that are applied together, and the stored offset after them.
    ///
    /// @param changes empty if all changes of the record were dropped: only its offset is stored
    /// @param schemas of the written rows, one per table
    /// @param rows the number of changes other than watermarks
    /// @param bytes of memory
    private record Pending(
            StoredOffset to,
            List<TargetChange> changes,
            Map<TableId, RowSchema> schemas,
            int rows,
            long bytes) {}

    /// The memory of one decoded change beside the block's bytes: the change, its token, its row
    /// and their places in lists.
    private static final int CHANGE_BYTES = 112;

    /// Start and length of a cell.
    private static final int CELL_BYTES = 8;

    private final Deque<Pending> pending = new ArrayDeque<>();
    private final boolean hasTokens;
    private final @Nullable Missed missed;
    private final StoredOffset position;
    private StoredOffset stored;
    private Token last;
    private WatermarkNumber watermark;
    private long total;
    private long bytes;
    private int size;
    private int rowChanges;
    private boolean inFlight;
    private long inFlightBytes;
    private Instant lastMove = Instant.EPOCH;

    PartitionProgress(TargetTopic topic, StoredOffset stored) {
        this(topic, stored, null, stored);
    }

    /// The progress of what a table has missed.
    ///
    /// @param position the stored offset of the partition
    static PartitionProgress of(Missed missed, TargetTopic topic, StoredOffset position) {
        return new PartitionProgress(
                topic,
                position,
                missed,
                new StoredOffset(
                        position.partition(),
                        position.topicId(),
                        missed.nextOffset(),
                        missed.after(),
                        position.watermark(),
                        position.total()));
    }

    private PartitionProgress(
            TargetTopic topic,
            StoredOffset position,
            @Nullable Missed missed,
            StoredOffset stored) {
        this.hasTokens = topic.hasTokens();
        this.missed = missed;
        this.position = position;
        this.stored = stored;
        this.last = stored.token();
        this.watermark = stored.watermark();
        this.total = stored.total();
    }

    /// Discards what was read and continues after another stored offset.
    void reset(StoredOffset found) {
        pending.clear();
        bytes = 0;
        inFlightBytes = 0;
        size = 0;
        rowChanges = 0;
        stored = found;
        last = found.token();
        watermark = found.watermark();
        total = found.total();
    }

    /// Adds the next record that was read.
    ///
    /// @param recordBytes the size of the record
    /// @throws ApplierFailure when the record is of a generation that has not begun here
    void add(long offset, TargetBlock block, int recordBytes) {
        Token upTo = block.upTo();
        if (upTo.generation() > stored.generation()) {
            throw new ApplierFailure(
                    "Offset %d of partition %d belongs to generation %d, but the stored offsets belong to generation %d."
                            .formatted(
                                    offset,
                                    stored.partition(),
                                    upTo.generation(),
                                    stored.generation()));
        }
        if (missed != null) {
            addMissed(missed, offset, block, recordBytes);
            return;
        }
        List<TargetChange> changes = List.of();
        if (isNew(upTo, last)) {
            changes = hasTokens ? after(last, block.changes()) : block.changes();
            last = upTo;
            total = block.total();
        }
        split(offset, block, changes, recordBytes);
    }

    /// A block without changes of the table is not kept: the next one moves past it.
    private void addMissed(Missed of, long offset, TargetBlock block, int recordBytes) {
        if (of.isReached(last) || block.upTo().compareTo(last) <= 0) {
            return;
        }
        List<TargetChange> changes =
                after(last, block.changes()).stream()
                        .filter(change -> change.token().compareTo(of.last()) <= 0)
                        .flatMap(change -> ofTable(of.table(), change))
                        .toList();
        last = of.isReached(block.upTo()) ? of.last() : block.upTo();
        if (!changes.isEmpty() || of.isReached(last)) {
            split(offset, block, changes, recordBytes);
        }
    }

    private static Stream<TargetChange> ofTable(TableId table, TargetChange change) {
        return switch (change) {
            case TargetChange.Upsert(var _, Row row) ->
                    row.table().whole().equals(table) ? Stream.of(change) : Stream.empty();
            case TargetChange.Delete(var _, Row row) ->
                    row.table().whole().equals(table) ? Stream.of(change) : Stream.empty();
            case TargetChange.Rejected rejected ->
                    rejected.target().whole().equals(table) ? Stream.of(change) : Stream.empty();
            case TargetChange.Truncate truncate -> {
                List<TableId> parts =
                        truncate.targets().stream()
                                .filter(target -> target.whole().equals(table))
                                .toList();
                yield parts.isEmpty()
                        ? Stream.empty()
                        : Stream.of(
                                new TargetChange.Truncate(truncate.token(), parts, truncate.id()));
            }
            case TargetChange.BackfillComplete _, TargetChange.Watermark _ -> Stream.empty();
        };
    }

    /// The changes with a greater token: the end of the block, because tokens ascend.
    private static List<TargetChange> after(Token token, List<TargetChange> changes) {
        int first = 0;
        while (first < changes.size() && changes.get(first).token().compareTo(token) <= 0) {
            first++;
        }
        return changes.subList(first, changes.size());
    }

    /// Without tokens every record of the stored generation is new: the topic's producer writes
    /// each one once.
    private boolean isNew(Token token, Token before) {
        return hasTokens ? token.compareTo(before) > 0 : token.generation() == stored.generation();
    }

    /// Rows of two schemas of one table cannot be merged in one batch, so a block in which a
    /// table's schema changes is applied in parts. Each part but the last leaves the stored offset
    /// at this record; its token says how much of it is applied.
    private void split(
            long offset, TargetBlock block, List<TargetChange> changes, int recordBytes) {
        Map<TableId, RowSchema> schemas = new HashMap<>();
        RowSchema previous = null;
        int begin = 0;
        int group = 0;
        for (int i = 0; i < changes.size(); i++) {
            TargetChange change = changes.get(i);
            if (i > 0 && !change.token().equals(changes.get(i - 1).token())) {
                group = i;
            }
            watermark = later(watermark, change);
            RowSchema schema =
                    change instanceof TargetChange.Upsert(_, Row row) ? row.schema() : null;
            if (schema == null || schema == previous || add(schemas, schema)) {
                previous = schema == null ? previous : schema;
                continue;
            }
            if (group == begin) {
                throw new ApplierFailure(
                        "Offset %d of partition %d has two schemas of one table in one change."
                                .formatted(offset, stored.partition()));
            }
            Token token = changes.get(group - 1).token();
            long later = block.upTo().index() - (long) token.index();
            push(
                    at(offset, token, block.total() - later),
                    changes.subList(begin, group),
                    schemas,
                    0);
            begin = group;
            i = group - 1;
            schemas = new HashMap<>();
            previous = null;
        }
        push(
                at(offset + 1, last, total),
                changes.subList(begin, changes.size()),
                schemas,
                recordBytes);
    }

    StoredOffset stored() {
        return stored;
    }

    /// The stored offset of the partition, which stays while a table applies what it missed.
    StoredOffset position() {
        return missed == null ? stored : position;
    }

    /// What the table still misses that continues; empty for the partition's own progress.
    Optional<Missed> missed() {
        return Optional.ofNullable(missed).map(of -> of.from(stored));
    }

    /// The number of changes that were read and are not in a batch yet.
    int size() {
        return size;
    }

    /// The memory that the changes take which were read, those of a batch in progress included.
    long bytes() {
        return bytes + inFlightBytes;
    }

    /// Whether nothing more of this partition is read for now: it has a batch beside the one in
    /// progress, or all partitions together have reached their limit. A partition that has nothing
    /// to apply is read nevertheless, because the others may wait for it at a truncate.
    ///
    /// @param held the [#bytes] of all partitions
    boolean isFull(long held, Limits limits) {
        return missed != null && missed.isReached(last)
                || size >= limits.rows()
                || bytes() >= 2 * limits.bytes()
                || held >= limits.readAhead() && (size > 0 || inFlight);
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
        inFlightBytes = 0;
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
                        || missed != null
                        || Duration.between(lastMove, now).abs().compareTo(idleMove) >= 0);
    }

    /// Whether no transaction is in progress and the next change is a truncate.
    boolean isAtTruncate() {
        return !inFlight && truncate().isPresent();
    }

    /// The truncate that directly follows the stored offset.
    Optional<TargetChange.Truncate> truncate() {
        Pending head = pending.peek();
        return head != null
                        && !head.changes().isEmpty()
                        && head.changes().getFirst() instanceof TargetChange.Truncate truncate
                ? Optional.of(truncate)
                : Optional.empty();
    }

    /// The stored offset after the truncate at the head.
    StoredOffset afterTruncate() {
        if (truncate().isPresent()) {
            return pending.element().to();
        }
        throw new ApplierFailure(
                "The next record of partition %d is not a truncate.".formatted(stored.partition()));
    }

    /// Takes the next batch: up to the limits, to a truncate, or to where a table's schema changes.
    /// Consists of whole blocks, or of the parts of one. Empty when no record precedes the next
    /// truncate.
    Optional<PartitionBatch> take(int maxRows, long maxBytes) {
        Map<TableId, RowSchema> schemas = new HashMap<>();
        List<TargetChange> changes = new ArrayList<>();
        StoredOffset to = stored;
        long taken = 0;
        while (!pending.isEmpty()
                && changes.size() < maxRows
                && taken < maxBytes
                && truncate().isEmpty()
                && pending.element().schemas().values().stream()
                        .allMatch(schema -> add(schemas, schema))) {
            Pending next = pop();
            changes.addAll(next.changes());
            taken += next.bytes();
            to = next.to();
        }
        if (to == stored) {
            return Optional.empty();
        }
        inFlightBytes = taken;
        return Optional.of(new PartitionBatch(stored, to, changes));
    }

    private void push(
            StoredOffset to,
            List<TargetChange> changes,
            Map<TableId, RowSchema> schemas,
            int recordBytes) {
        int rows = 0;
        long memory = recordBytes;
        for (TargetChange change : changes) {
            rows += change instanceof TargetChange.Watermark ? 0 : 1;
            memory += CHANGE_BYTES + (long) CELL_BYTES * cells(change);
        }
        pending.add(new Pending(to, changes, schemas, rows, memory));
        bytes += memory;
        size += Math.max(1, changes.size());
        rowChanges += rows;
    }

    private static int cells(TargetChange change) {
        return switch (change) {
            case TargetChange.Upsert(_, Row row) -> row.schema().size();
            case TargetChange.Delete(_, Row row) -> row.schema().size();
            case TargetChange.Rejected rejected -> rejected.image().schema().size();
            case TargetChange.Truncate _,
                    TargetChange.BackfillComplete _,
                    TargetChange.Watermark _ ->
                    0;
        };
    }

    private Pending pop() {
        Pending next = pending.remove();
        bytes -= next.bytes();
        size -= Math.max(1, next.changes().size());
        rowChanges -= next.rows();
        return next;
    }

    private StoredOffset at(long nextOffset, Token token, long total) {
        return new StoredOffset(
                stored.partition(), stored.topicId(), nextOffset, token, watermark, total);
    }

    private static WatermarkNumber later(WatermarkNumber watermark, TargetChange change) {
        if (change instanceof TargetChange.Watermark(var _, WatermarkNumber next)
                && next.compareTo(watermark) > 0) {
            return next;
        }
        return watermark;
    }

    /// Adds the schema of written rows; false if the table has another one.
    private static boolean add(Map<TableId, RowSchema> schemas, RowSchema schema) {
        RowSchema before = schemas.putIfAbsent(schema.table(), schema);
        return before == null || before.equals(schema);
    }
}
