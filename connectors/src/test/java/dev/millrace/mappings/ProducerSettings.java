package dev.millrace.mappings;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/// Records the effective settings of each producer that has this interceptor, as Kafka reads them.
public final class ProducerSettings implements ProducerInterceptor<byte[], byte[]> {

    static final LinkedBlockingQueue<ProducerConfig> SEEN = new LinkedBlockingQueue<>();

    @Override
    public void configure(Map<String, ?> configs) {
        Map<String, Object> all = new HashMap<>(configs);
        all.put("key.serializer", ByteArraySerializer.class);
        all.put("value.serializer", ByteArraySerializer.class);
        SEEN.add(new ProducerConfig(all));
    }

    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
        return record;
    }

    @Override
    public void onAcknowledgement(
            @Nullable RecordMetadata metadata, @Nullable Exception exception) {}

    @Override
    public void close() {}
}
