package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.apply.broker.BrokerHealth;
import dev.millrace.apply.broker.OffsetReporter;
import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.shape.ShapeWatch;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.TargetTask.MissedBatch;
import dev.millrace.apply.task.TargetTask.MissedTruncate;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.TargetTask.TruncateHold;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.apply.task.WriteOutcome.Parked;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.stopped.MissedChanges.Missed;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.lifecycle.Reason;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads every partition from its stored offset, cuts batches and hands them to the writers: at
/// most one at a time per partition, so that the order of a partition is the order of its commits.
/// A partition whose queue is full is paused; the consumer is polled nevertheless. Not thread-safe;
/// confined to the consumer's thread.
///
/// Every fault is an exception and ends the loop: a record that cannot be read is not skipped.
final class ApplyLoop {

    private static final Logger LOG = LoggerFactory.getLogger(ApplyLoop.class);
    private static final Duration POLL = Duration.ofMillis(100);

    /// How long transactions in progress may take after the applier was closed.
    private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(10);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final TargetTopic.Description description;
    private final ApplierSettings settings;
    private final TargetTopic topic;
    private final Writers writers;
    private final WriteGate gate;
    private final KeyWorkQueue keyWork;
    private final ApplierCounters counters;
    private final BrokerHealth pulse;
    private final InstantSource clock;
    private final OffsetReporter reporter;
    private final BlockCodec codec = new BlockCodec();
    private final List<PartitionProgress> partitions = new ArrayList<>();

    /// Another process moved a stored offset, or a table begins or ends to apply what it missed:
    /// all are read again before the next batch is written.
    private boolean offsetsLost;

    private boolean readingOffsets;
    private final ShapeWatch shapeWatch = new ShapeWatch();
    private Instant shapesDue;
    private boolean readingShapes;

    ApplyLoop(
            KafkaConsumer<byte[], byte[]> consumer,
            TargetTopic.Description description,
            ApplierSettings settings,
            Writers writers,
            WriteGate gate,
            KeyWorkQueue keyWork,
            ApplierCounters counters,
            BrokerHealth pulse,
            InstantSource clock) {
        this.consumer = consumer;
        this.description = description;
        this.settings = settings;
        this.topic = settings.topic();
        this.writers = writers;
        this.gate = gate;
        this.keyWork = keyWork;
        this.counters = counters;
        this.pulse = pulse;
        this.clock = clock;
        this.reporter = new OffsetReporter(consumer, topic.name(), clock);
        this.shapesDue = clock.instant().plus(settings.limits().shapes());
    }

    /// @param read the offsets of all partitions, checked against the topic
    void run(WriteOutcome.Read read, BooleanSupplier closing) {
        List<StoredOffset> stored = read.offsets().partitions();
        keyWork.begin(read.judgements());
        stored.forEach(offset -> partitions.add(progress(offset, read)));
        consumer.assign(topic.allPartitions());
        partitions.forEach(partition -> seek(partition.stored()));
        while (!closing.getAsBoolean()) {
            read();
            pulse.check();
            settle();
            if (offsetsLost) {
                readOffsets();
            } else {
                submitBatches(submitKeyWork());
                submitTruncate();
                submitShapes();
            }
            pauseFullPartitions();
            reporter.report(positions());
        }
        drain();
    }

    private void read() {
        try {
            for (ConsumerRecord<byte[], byte[]> next : consumer.poll(POLL)) {
                partitions.get(next.partition()).add(next.offset(), decode(next), size(next));
            }
        } catch (WakeupException _) {
            // A writer has completed a task, or the applier is closed.
        }
    }

    private TargetBlock decode(ConsumerRecord<byte[], byte[]> next) {
        if (next.value() == null) {
            throw new ApplierFailure(
                    "Offset %d of partition %d of %s has no value."
                            .formatted(next.offset(), next.partition(), next.topic()));
        }
        try {
            return codec.decodeTarget(next.value());
        } catch (IllegalArgumentException e) {
            throw new ApplierFailure(
                    "Offset %d of partition %d of %s cannot be decoded%s"
                            .formatted(
                                    next.offset(),
                                    next.partition(),
                                    next.topic(),
                                    Reason.of(e).map(": "::concat).orElse(".")),
                    e);
        }
    }

    private static int size(ConsumerRecord<byte[], byte[]> next) {
        return Math.max(0, next.serializedValueSize()) + Math.max(0, next.serializedKeySize());
    }

    private void settle() {
        for (Writers.Done done = writers.poll(); done != null; done = writers.poll()) {
            WriteOutcome outcome = done.outcome();
            if (outcome == null) {
                throw new ApplierFailure(String.valueOf(done.failure()));
            }
            switch (done.task()) {
                case PartitionBatch batch -> settle(batch, outcome);
                case TruncateHold hold -> settle(hold, outcome);
                case MissedBatch batch -> settle(batch, outcome);
                case MissedTruncate truncate -> {
                    partitions.forEach(PartitionProgress::returned);
                    for (MissedBatch batch : truncate.batches()) {
                        if (continues(batch, outcome)) {
                            partitions
                                    .get(batch.batch().partition())
                                    .truncated(batch.batch().to(), clock.instant());
                        }
                    }
                    report(outcome);
                }
                case KeyWork work -> settle(work, outcome);
                case TargetTask.ReadOffsets _ -> continueAfter(outcome);
                case TargetTask.ReadShapes _ -> tryAgain(outcome);
            }
        }
    }

    private void settle(PartitionBatch batch, WriteOutcome outcome) {
        PartitionProgress partition = partitions.get(batch.partition());
        partition.returned();
        if (report(outcome)) {
            partition.applied(batch.to(), clock.instant());
            if (mayHold(outcome)) {
                keyWork.held(batch.partition(), KeyParking.judgeAt(batch));
            }
        }
    }

    /// After a lost reply to COMMIT nothing is known of the keys. A judgement finds none, or them.
    private static boolean mayHold(WriteOutcome outcome) {
        return outcome instanceof WriteOutcome.AppliedBefore
                || outcome instanceof WriteOutcome.Applied applied
                        && applied.parked().stream().anyMatch(Parked::held);
    }

    private void settle(TruncateHold hold, WriteOutcome outcome) {
        partitions.forEach(PartitionProgress::returned);
        if (report(outcome)) {
            for (int partition = 0; partition < partitions.size(); partition++) {
                partitions.get(partition).truncated(hold.to().get(partition), clock.instant());
            }
        }
    }

    private void settle(MissedBatch missed, WriteOutcome outcome) {
        PartitionBatch batch = missed.batch();
        PartitionProgress partition = partitions.get(batch.partition());
        partition.returned();
        if (continues(missed, outcome)) {
            partition.applied(batch.to(), clock.instant());
        }
        if (report(outcome) && mayHold(outcome)) {
            keyWork.held(batch.partition(), KeyParking.judgeAt(batch));
        }
    }

    /// A partition whose table has applied all, or was stopped again, continues with what the
    /// target has stored.
    private boolean continues(MissedBatch missed, WriteOutcome outcome) {
        boolean isStopped =
                outcome instanceof WriteOutcome.Applied applied
                        && !applied.newlyStopped().isEmpty();
        boolean continues =
                !(outcome instanceof WriteOutcome.Lost) && !isStopped && !missed.isLast();
        offsetsLost |= !continues;
        return continues;
    }

    private void settle(KeyWork work, WriteOutcome outcome) {
        work.from().forEach(at -> partitions.get(at.partition()).returned());
        if (outcome instanceof WriteOutcome.Worked worked) {
            report(worked.applied());
            keyWork.done(worked);
            offsetsLost |=
                    work.what() instanceof KeyWork.Asked(KeyRequest.Resume _)
                            && worked.outcome().refusal().isEmpty();
        } else {
            report(outcome);
            keyWork.notDone();
        }
    }

    private void report(WriteOutcome.Applied applied) {
        counters.applied(applied.changes());
        applied.newlyStopped().forEach(this::reportStop);
        reportParked(applied.parked());
    }

    /// @return whether the task is done
    private boolean report(WriteOutcome outcome) {
        switch (outcome) {
            case WriteOutcome.Applied applied -> {
                report(applied);
                return true;
            }
            case WriteOutcome.AppliedBefore _ -> {
                return true;
            }
            case WriteOutcome.Lost taken -> {
                LOG.atWarn()
                        .addKeyValue("migration", settings.migration())
                        .addKeyValue("partition", taken.partition())
                        .log("another process moved the stored offset; reading it again");
                offsetsLost = true;
                return false;
            }
            case WriteOutcome.Read _, WriteOutcome.Worked _, WriteOutcome.Shapes _ ->
                    throw new IllegalStateException("The outcome is of another task.");
        }
    }

    private void reportStop(StoppedTable stop) {
        counters.error(stop.reason());
        LOG.atError()
                .addKeyValue("migration", settings.migration())
                .addKeyValue("table", stop.table())
                .addKeyValue("partition", stop.partition())
                .addKeyValue("reason", stop.reason())
                .log("a target table is stopped");
    }

    /// One line per cause: a batch may refuse thousands of keys.
    private void reportParked(List<Parked> parked) {
        parked.stream()
                .filter(key -> !key.held())
                .collect(Collectors.groupingBy(key -> key, Collectors.counting()))
                .forEach(
                        (key, count) -> {
                            counters.error(key.cause());
                            LOG.atWarn()
                                    .addKeyValue("migration", settings.migration())
                                    .addKeyValue("table", key.table())
                                    .addKeyValue("keys", count)
                                    .addKeyValue("reason", key.cause())
                                    .log("keys are parked: their changes wait for an operator");
                        });
    }

    /// @return partitions that must not begin a batch, because keys of them are tried again next
    private Set<Integer> submitKeyWork() {
        // Which rows are in the way of a held key is known when no change is missed.
        boolean judges = partitions.stream().allMatch(partition -> partition.missed().isEmpty());
        Optional<KeyWorkQueue.Due> due =
                keyWork.due(positions()).filter(work -> judges || work.question().isPresent());
        if (due.isEmpty()) {
            return Set.of();
        }
        Set<Integer> needed = due.get().partitions();
        if (needed.stream().map(partitions::get).noneMatch(PartitionProgress::isInFlight)) {
            needed.forEach(partition -> partitions.get(partition).submitted());
            writers.submit(keyWork.begin(due.get()));
        }
        return needed;
    }

    /// @param resting partitions that must not begin a batch
    private void submitBatches(Set<Integer> resting) {
        Instant now = clock.instant();
        var limits = settings.limits();
        for (PartitionProgress partition : partitions) {
            if (!resting.contains(partition.position().partition())
                    && partition.isDue(now, limits.idleMove())) {
                partition
                        .take(
                                (int) Math.min(limits.rows(), gate.rowsPerTransaction()),
                                Math.min(limits.bytes(), gate.bytesPerTransaction()))
                        .ifPresent(
                                batch -> {
                                    partition.submitted();
                                    writers.submit(task(partition, batch));
                                });
            }
        }
    }

    private static TargetTask task(PartitionProgress partition, PartitionBatch batch) {
        Optional<Missed> missed = partition.missed();
        return missed.isPresent()
                ? new MissedBatch(missed.get(), partition.position(), batch)
                : batch;
    }

    private List<StoredOffset> positions() {
        return partitions.stream().map(PartitionProgress::position).toList();
    }

    /// Each partition stops at the truncate. When all have stopped and no transaction is in
    /// progress, the rows are deleted: after everything before the truncate, before everything
    /// after it.
    private void submitTruncate() {
        if (!partitions.stream().allMatch(PartitionProgress::isAtTruncate)) {
            return;
        }
        List<TargetChange.Truncate> truncates =
                partitions.stream().map(partition -> partition.truncate().orElseThrow()).toList();
        TargetChange.Truncate first = truncates.getFirst();
        for (TargetChange.Truncate other : truncates) {
            if (other.id() != first.id() || !other.targets().equals(first.targets())) {
                throw new ApplierFailure(
                        "The partitions contain different truncates at the same point: %d of %s and %d of %s."
                                .formatted(
                                        first.id(), first.targets(), other.id(), other.targets()));
            }
        }
        List<MissedBatch> missed =
                partitions.stream().flatMap(partition -> atTruncate(partition).stream()).toList();
        if (!missed.isEmpty() && missed.size() < partitions.size()) {
            throw new ApplierFailure(
                    "Only some partitions contain the truncate %d of %s among the changes that were missed."
                            .formatted(first.id(), first.targets()));
        }
        partitions.forEach(PartitionProgress::submitted);
        if (!missed.isEmpty()) {
            writers.submit(new MissedTruncate(first.targets(), first.id(), missed));
            return;
        }
        writers.submit(
                new TruncateHold(
                        first.targets(),
                        first.id(),
                        partitions.stream().map(PartitionProgress::stored).toList(),
                        partitions.stream().map(PartitionProgress::afterTruncate).toList()));
    }

    private void submitShapes() {
        if (!readingShapes && !clock.instant().isBefore(shapesDue)) {
            readingShapes = true;
            writers.submit(new TargetTask.ReadShapes(settings.generation()));
        }
    }

    private void tryAgain(WriteOutcome outcome) {
        if (!(outcome instanceof WriteOutcome.Shapes shapes)) {
            throw new IllegalStateException("The shapes of the tables were not read.");
        }
        readingShapes = false;
        shapesDue = clock.instant().plus(settings.limits().shapes());
        for (KeyRequest request : shapeWatch.due(shapes.waiting())) {
            LOG.atInfo()
                    .addKeyValue("migration", settings.migration())
                    .addKeyValue("request", request)
                    .log("a table may accept now what it refused; trying again");
            CompletableFuture<KeyRequest.Outcome> _ = keyWork.ask(request);
        }
    }

    private static Optional<MissedBatch> atTruncate(PartitionProgress partition) {
        return partition
                .missed()
                .map(
                        missed ->
                                new MissedBatch(
                                        missed,
                                        partition.position(),
                                        new PartitionBatch(
                                                partition.stored(),
                                                partition.afterTruncate(),
                                                List.of())));
    }

    private void readOffsets() {
        if (!readingOffsets && partitions.stream().noneMatch(PartitionProgress::isInFlight)) {
            readingOffsets = true;
            writers.submit(new TargetTask.ReadOffsets());
        }
    }

    private void continueAfter(WriteOutcome outcome) {
        if (!(outcome instanceof WriteOutcome.Read read)) {
            throw new IllegalStateException("The stored offsets were not read.");
        }
        keyWork.begin(read.judgements());
        StartCheck.check(settings, description, read.offsets().partitions());
        for (StoredOffset offset : read.offsets().partitions()) {
            PartitionProgress before = partitions.get(offset.partition());
            boolean continues =
                    before.missed().isEmpty() && !read.missed().containsKey(offset.partition());
            if (continues && before.stored().isAt(offset)) {
                continue;
            }
            if (continues) {
                before.reset(offset);
            } else {
                partitions.set(offset.partition(), progress(offset, read));
            }
            seek(partitions.get(offset.partition()).stored());
        }
        offsetsLost = false;
        readingOffsets = false;
    }

    private PartitionProgress progress(StoredOffset offset, WriteOutcome.Read read) {
        Missed missed = read.missed().get(offset.partition());
        return missed == null
                ? new PartitionProgress(topic, offset)
                : PartitionProgress.of(missed, topic, offset);
    }

    private void seek(StoredOffset offset) {
        consumer.seek(topic.partition(offset.partition()), offset.nextOffset());
    }

    /// One budget of memory for all partitions.
    private void pauseFullPartitions() {
        var limits = settings.limits();
        long held = partitions.stream().mapToLong(PartitionProgress::bytes).sum();
        List<TopicPartition> full = new ArrayList<>();
        List<TopicPartition> reading = new ArrayList<>();
        for (PartitionProgress partition : partitions) {
            (partition.isFull(held, limits) ? full : reading)
                    .add(topic.partition(partition.stored().partition()));
        }
        consumer.pause(full);
        consumer.resume(reading);
    }

    private void drain() {
        Instant end = clock.instant().plus(DRAIN_TIMEOUT);
        while (partitions.stream().anyMatch(PartitionProgress::isInFlight)
                && clock.instant().isBefore(end)
                && writers.trouble(clock).isEmpty()) {
            try {
                consumer.poll(POLL);
            } catch (WakeupException _) {
                // A writer has completed a task.
            }
            settle();
        }
    }
}
