package dev.millrace.topology;

import dev.millrace.change.ChangeCodec;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Topics;
import dev.millrace.mapping.Mapping;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/// Builds the Kafka Streams topology of the row mappings: from the changes topic to the target
/// topic, each record in the partition it came from, without state. One key, one partition, one
/// order.
public final class MigrationTopology {

    private MigrationTopology() {}

    /// The key of an output and the partition it must stay in.
    private record Routed(int partition, byte[] key) {}

    public static Topology rows(Topics topics, int generation, List<Mapping> mappings) {
        RowTransform transform = new RowTransform(generation, mappings);
        Serializer<Routed> keys = (_, routed) -> routed.key();
        StreamPartitioner<Routed, byte[]> samePartition =
                (_, routed, _, _) -> Optional.of(Set.of(routed.partition()));
        return new Topology()
                .addSource(
                        "changes",
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer(),
                        topics.changes())
                .addProcessor("mappings", () -> new Mappings(transform), "changes")
                .addSink(
                        "target",
                        topics.target(),
                        keys,
                        new ByteArraySerializer(),
                        samePartition,
                        "mappings");
    }

    private static final class Mappings implements Processor<byte[], byte[], Routed, byte[]> {

        private static final byte[] NO_KEY = new byte[0];

        private final RowTransform transform;
        private final ChangeCodec codec = new ChangeCodec();
        private ProcessorContext<Routed, byte[]> context;

        @SuppressWarnings("NullAway.Init") // Kafka Streams calls init before anything else
        Mappings(RowTransform transform) {
            this.transform = transform;
        }

        @Override
        public void init(ProcessorContext<Routed, byte[]> context) {
            this.context = context;
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            RecordMetadata from = context.recordMetadata().orElseThrow();
            for (TargetChange change :
                    transform.apply(codec.decodeEvent(record.value()), from.offset())) {
                Routed key = new Routed(from.partition(), key(change));
                context.forward(
                        new Record<>(
                                key, codec.encode(change), record.timestamp(), record.headers()));
            }
        }

        private static byte[] key(TargetChange change) {
            return switch (change) {
                case TargetChange.Upsert upsert -> upsert.row().key().bytes();
                case TargetChange.Delete delete -> delete.row().key().bytes();
                case TargetChange.Rejected rejected -> rejected.sourceKey().bytes();
                case TargetChange.Truncate _, TargetChange.Watermark _ -> NO_KEY;
            };
        }
    }
}
