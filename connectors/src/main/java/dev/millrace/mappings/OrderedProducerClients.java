package dev.millrace.mappings;

import dev.millrace.lifecycle.PausePoint;
import dev.millrace.trace.Traces;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaClientSupplier;
import org.jspecify.annotations.Nullable;

/// Supplies Kafka's clients with a producer that closes itself at the first record that it could
/// not deliver, on the sending thread and before it sends another record. The written records are
/// therefore always a prefix of the records to write. An unmodified producer continues with the
/// records after a refused one; when a later run writes the refused record, its token is older than
/// theirs, and the applier drops it: a gap.
final class OrderedProducerClients implements KafkaClientSupplier {

    @Override
    public Producer<byte[], byte[]> getProducer(Map<String, Object> config) {
        return new PrefixProducer(config);
    }

    @Override
    public Admin getAdmin(Map<String, Object> config) {
        return Admin.create(config);
    }

    @Override
    public Consumer<byte[], byte[]> getConsumer(Map<String, Object> config) {
        return new GroupConsumer(config);
    }

    @Override
    public Consumer<byte[], byte[]> getRestoreConsumer(Map<String, Object> config) {
        return consumer(config);
    }

    @Override
    public Consumer<byte[], byte[]> getGlobalConsumer(Map<String, Object> config) {
        return consumer(config);
    }

    private static Consumer<byte[], byte[]> consumer(Map<String, Object> config) {
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /// Commits the group's offsets between two points at which a test can end the process.
    private static final class GroupConsumer extends KafkaConsumer<byte[], byte[]> {

        GroupConsumer(Map<String, Object> config) {
            super(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        }

        @Override
        public void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets) {
            PausePoint.BEFORE_GROUP_COMMIT.pass();
            super.commitSync(offsets);
            PausePoint.AFTER_GROUP_COMMIT.pass();
        }
    }

    private static final class PrefixProducer extends KafkaProducer<byte[], byte[]> {

        /// Why the producer closed itself. A record that is being sent meanwhile fails because of
        /// that, so this is its reason too.
        private volatile @Nullable KafkaException refusal;

        private final @Nullable Traces traces = Traces.installed();

        PrefixProducer(Map<String, Object> config) {
            super(config, new ByteArraySerializer(), new ByteArraySerializer());
        }

        @Override
        public Future<RecordMetadata> send(
                ProducerRecord<byte[], byte[]> record, @Nullable Callback callback) {
            PausePoint.CHANGES_MAPPED.pass();
            Runnable written =
                    traces == null || record.timestamp() == null
                            ? null
                            : traces.mapped(
                                    record.topic(),
                                    record.partition(),
                                    record.timestamp(),
                                    record.headers());
            try {
                return super.send(
                        record,
                        (metadata, failure) -> {
                            if (refusal == null && failure instanceof KafkaException first) {
                                refusal = first;
                            }
                            if (callback != null) {
                                callback.onCompletion(metadata, failure);
                            }
                            if (written != null && failure == null) {
                                written.run();
                            }
                            if (failure != null) {
                                close(Duration.ZERO);
                            }
                        });
            } catch (KafkaException | IllegalStateException e) {
                KafkaException first = refusal;
                throw first == null ? e : first;
            }
        }
    }
}
