package dev.millrace.kafka;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/// A process that runs a broker until it is killed. It commits one transaction, leaves another one
/// open, prints a line, and waits.
final class BrokerHolder {

    static final String TOPIC = "kept";
    static final int COMMITTED = 200;

    private BrokerHolder() {}

    public static void main(String[] arguments) throws Exception {
        EmbeddedBroker broker =
                EmbeddedBroker.start(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
        try (Admin admin = Admin.create(broker.clientSettings())) {
            admin.createTopics(List.of(new NewTopic(TOPIC, Optional.of(3), Optional.empty())))
                    .all()
                    .get();
        }
        Map<String, Object> settings = new HashMap<>(broker.clientSettings());
        settings.put("transactional.id", "holder");
        settings.put("acks", "all");
        var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        producer.beginTransaction();
        for (int i = 0; i < COMMITTED; i++) {
            producer.send(new ProducerRecord<>(TOPIC, "k" + i, "committed"));
        }
        producer.commitTransaction();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(TOPIC, "k", "open")).get();
        System.out.println("written");
        Thread.currentThread().join();
    }
}
