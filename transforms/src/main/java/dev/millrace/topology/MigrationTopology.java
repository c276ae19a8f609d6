package dev.millrace.topology;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.BlockCodec.UnknownFormatException;
import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
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
/// topic, each block in the partition it came from, without state. One key, one partition, one
/// order.
public final class MigrationTopology {

    private MigrationTopology() {}

    /// A record of the changes topic cannot be decoded. The message names its place, and the format
    /// if it is unknown, and contains no value of a row.
    public static final class UnreadableRecord extends IllegalStateException {

        private static final long serialVersionUID = 1L;

        private UnreadableRecord(RecordMetadata place, IllegalArgumentException cause) {
            super(
                    "Offset %d of partition %d of %s cannot be decoded%s"
                            .formatted(
                                    place.offset(),
                                    place.partition(),
                                    place.topic(),
                                    cause instanceof UnknownFormatException unknown
                                            ? ": " + unknown.getMessage()
                                            : "."),
                    cause);
        }
    }

    public static Topology rows(Topics topics, int generation, List<Mapping> mappings) {
        RowTransform transform = new RowTransform(generation, mappings);
        Serializer<Integer> noKey = (_, _) -> null;
        StreamPartitioner<Integer, byte[]> samePartition =
                (_, partition, _, _) -> Optional.of(Set.of(partition));
        return new Topology()
                .addSource(
                        "changes",
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer(),
                        topics.changes())
                .addProcessor("mappings", () -> new Mappings(transform, generation), "changes")
                .addSink(
                        "target",
                        topics.target(),
                        noKey,
                        new ByteArraySerializer(),
                        samePartition,
                        "mappings");
    }

    /// The key of an output is the partition it must stay in; it is not written.
    private static final class Mappings implements Processor<byte[], byte[], Integer, byte[]> {

        private final RowTransform transform;
        private final int generation;
        private final BlockCodec codec = new BlockCodec();
        private final TargetBlock.Writer writer = codec.targetChanges();
        private ProcessorContext<Integer, byte[]> context;

        @SuppressWarnings("NullAway.Init") // Kafka Streams calls init before anything else
        Mappings(RowTransform transform, int generation) {
            this.transform = transform;
            this.generation = generation;
        }

        @Override
        public void init(ProcessorContext<Integer, byte[]> context) {
            this.context = context;
        }

        private ChangeBlock decode(Record<byte[], byte[]> record, RecordMetadata from) {
            try {
                return codec.decodeChanges(record.value());
            } catch (IllegalArgumentException e) {
                throw new UnreadableRecord(from, e);
            }
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            RecordMetadata from = context.recordMetadata().orElseThrow();
            ChangeBlock block = decode(record, from);
            if (!transform.applies(block)) {
                return;
            }
            Output output = new Output(record, from.partition());
            int rows = 0;
            long before = block.total() - block.changeCount();
            for (int index = 0; index < block.events().size(); index++) {
                Token token = new Token(generation, from.offset(), index);
                switch (block.events().get(index)) {
                    case ChangeEvent.Watermark watermark ->
                            output.forward(
                                    codec.encode(transform.map(watermark, token), block.total()));
                    case ChangeEvent.Truncate truncate ->
                            output.forward(
                                    codec.encode(transform.map(truncate, token), block.total()));
                    case ChangeEvent.BackfillComplete complete ->
                            output.forward(
                                    codec.encode(transform.map(complete, token), block.total()));
                    case ChangeEvent.OfRow change -> {
                        List<TargetChange> outputs = transform.map(change, token);
                        if (writer.isFullFor(outputs)) {
                            Token last = new Token(generation, from.offset(), index - 1);
                            output.forward(writer.take(last, before + rows));
                        }
                        outputs.forEach(writer::add);
                        rows++;
                    }
                }
            }
            if (rows > 0) {
                Token last = new Token(generation, from.offset(), rows - 1);
                output.forward(writer.take(last, block.total()));
            }
        }

        private final class Output {
            private final Record<byte[], byte[]> record;
            private final int partition;

            Output(Record<byte[], byte[]> record, int partition) {
                this.record = record;
                this.partition = partition;
            }

            void forward(byte[] block) {
                context.forward(
                        new Record<>(partition, block, record.timestamp(), record.headers()));
            }
        }
    }
}
