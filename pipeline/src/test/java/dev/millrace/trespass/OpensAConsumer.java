package dev.millrace.trespass;

import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/// Breaks a wall on purpose: the rule must report it.
final class OpensAConsumer {

    void open(Properties settings) {
        new KafkaConsumer<byte[], byte[]>(settings).close();
    }
}
