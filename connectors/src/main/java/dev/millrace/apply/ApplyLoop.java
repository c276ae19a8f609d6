package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.apply.TargetTask.PartitionBatch;
import dev.millrace.apply.TargetTask.TruncateHold;
import dev.millrace.change.ChangeCodec;
import dev.millrace.change.TargetChange;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoppedTables.StoppedTable;
import dev.millrace.control.StoredOffset;
import dev.millrace.lifecycle.Reason;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads every partition from its stored offset, cuts batches and hands them to the writers, at
/// most one at a time per partition, so that the order of a partition is the order of its commits.
/// A partition whose queue is full is paused; the consumer is polled all the same. For one thread.
///
/// Any fault is an exception and ends the loop: what is not understood is not skipped.
final class ApplyLoop {

    private static final Logger LOG = LoggerFactory.getLogger(ApplyLoop.class);
    private static final Duration POLL = Duration.ofMillis(100);

    /// How long what is under way may take when the applier is closed.
    private static final Duration DRAIN = Duration.ofSeconds(10);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final TargetTopic topic;
    private final ApplierSettings settings;
    private final Writers writers;
    private final ApplierCounters tally;
    private final BrokerHealth pulse;
    private final InstantSource clock;
    private final OffsetReporter shown;
    private final ChangeCodec codec = new ChangeCodec();
    private final List<Lane> lanes = new ArrayList<>();

    /// Somebody else moved a stored offset: all are read again before anything is written.
    private boolean lost;

    private boolean reading;

    ApplyLoop(
            KafkaConsumer<byte[], byte[]> consumer,
            TargetTopic topic,
            ApplierSettings settings,
            Writers writers,
            ApplierCounters tally,
            BrokerHealth pulse,
            InstantSource clock) {
        this.consumer = consumer;
        this.topic = topic;
        this.settings = settings;
        this.writers = writers;
        this.tally = tally;
        this.pulse = pulse;
        this.clock = clock;
        this.shown = new OffsetReporter(consumer, topic, clock);
    }

    /// @param stored the offsets of all partitions, checked against the topic
    void run(List<StoredOffset> stored, BooleanSupplier closing) {
        stored.forEach(offset -> lanes.add(new Lane(offset)));
        consumer.assign(topic.all());
        stored.forEach(offset -> seek(offset));
        while (!closing.getAsBoolean()) {
            read();
            pulse.feel();
            settle();
            if (lost) {
                readAgain();
            } else {
                send();
                hold();
            }
            pause();
            shown.show(lanes);
        }
        drain();
    }

    private void read() {
        try {
            for (ConsumerRecord<byte[], byte[]> next : consumer.poll(POLL)) {
                lanes.get(next.partition()).queue().add(next.offset(), decode(next), size(next));
            }
        } catch (WakeupException _) {
            // A writer is done, or the applier closes.
        }
    }

    private TargetChange decode(ConsumerRecord<byte[], byte[]> next) {
        if (next.value() == null) {
            throw new ApplierFailure(
                    "offset %d of partition %d of %s has no value"
                            .formatted(next.offset(), next.partition(), next.topic()));
        }
        try {
            return codec.decodeChange(next.value());
        } catch (IllegalArgumentException e) {
            throw new ApplierFailure(
                    "offset %d of partition %d of %s can't be decoded%s"
                            .formatted(
                                    next.offset(),
                                    next.partition(),
                                    next.topic(),
                                    Reason.of(e).map(": "::concat).orElse("")),
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
                case TargetTask.ReadOffsets _ -> begin(outcome);
            }
        }
    }

    private void settle(PartitionBatch batch, WriteOutcome outcome) {
        Lane lane = lanes.get(batch.partition());
        lane.back();
        if (happened(outcome)) {
            lane.applied(batch.to(), clock.instant());
        }
    }

    private void settle(TruncateHold hold, WriteOutcome outcome) {
        lanes.forEach(Lane::back);
        if (happened(outcome)) {
            for (Lane lane : lanes) {
                lane.queue().takeTruncate();
                lane.applied(hold.to().get(lane.queue().stored().partition()), clock.instant());
            }
        }
    }

    private boolean happened(WriteOutcome outcome) {
        switch (outcome) {
            case WriteOutcome.Applied applied -> {
                tally.applied(applied.changes());
                applied.newlyStopped().forEach(this::tell);
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
                lost = true;
                return false;
            }
            case WriteOutcome.Read _ ->
                    throw new IllegalStateException("a batch was answered with offsets");
        }
    }

    private void tell(StoppedTable stop) {
        tally.error(stop.reason());
        LOG.atError()
                .addKeyValue("migration", settings.migration())
                .addKeyValue("table", stop.table())
                .addKeyValue("partition", stop.partition())
                .addKeyValue("reason", stop.reason())
                .log("a target table is stopped");
    }

    private void send() {
        Instant now = clock.instant();
        var limits = settings.limits();
        for (Lane lane : lanes) {
            if (lane.isDue(now, limits.idleMove())) {
                lane.queue()
                        .take(limits.rows(), limits.bytes())
                        .ifPresent(
                                batch -> {
                                    lane.sent();
                                    writers.submit(batch);
                                });
            }
        }
    }

    /// Each partition stops at its truncate by itself; when all have, and nothing is under way, the
    /// table is emptied between everything before and everything behind.
    private void hold() {
        if (!lanes.stream().allMatch(Lane::holds)) {
            return;
        }
        List<TargetChange.Truncate> truncates =
                lanes.stream().map(lane -> lane.queue().truncate().orElseThrow()).toList();
        TargetChange.Truncate first = truncates.getFirst();
        for (TargetChange.Truncate other : truncates) {
            if (other.id() != first.id() || !other.target().equals(first.target())) {
                throw new ApplierFailure(
                        "the partitions come to different truncates: %d of %s and %d of %s"
                                .formatted(first.id(), first.target(), other.id(), other.target()));
            }
        }
        lanes.forEach(Lane::sent);
        writers.submit(
                new TruncateHold(
                        first.target(),
                        first.id(),
                        lanes.stream().map(lane -> lane.queue().stored()).toList(),
                        lanes.stream().map(lane -> lane.queue().behindTruncate()).toList()));
    }

    private void readAgain() {
        if (!reading && lanes.stream().noneMatch(Lane::inFlight)) {
            reading = true;
            writers.submit(new TargetTask.ReadOffsets());
        }
    }

    private void begin(WriteOutcome outcome) {
        if (!(outcome instanceof WriteOutcome.Read(AppliedOffsets found))) {
            throw new IllegalStateException("stored offsets were asked for and not read");
        }
        StartCheck.check(settings, topic, found.partitions());
        for (StoredOffset offset : found.partitions()) {
            PartitionQueue queue = lanes.get(offset.partition()).queue();
            if (!queue.stored().isAt(offset)) {
                queue.reset(offset);
                seek(offset);
            }
        }
        lost = false;
        reading = false;
    }

    private void seek(StoredOffset offset) {
        consumer.seek(topic.partition(offset.partition()), offset.nextOffset());
    }

    private void pause() {
        var limits = settings.limits();
        for (Lane lane : lanes) {
            PartitionQueue queue = lane.queue();
            var partition = List.of(topic.partition(queue.stored().partition()));
            if (queue.size() >= limits.rows() || queue.bytes() >= limits.bytes()) {
                consumer.pause(partition);
            } else {
                consumer.resume(partition);
            }
        }
    }

    private void drain() {
        Instant end = clock.instant().plus(DRAIN);
        while (lanes.stream().anyMatch(Lane::inFlight)
                && clock.instant().isBefore(end)
                && writers.trouble(clock).isEmpty()) {
            try {
                consumer.poll(POLL);
            } catch (WakeupException _) {
                // A writer is done.
            }
            settle();
        }
    }
}
