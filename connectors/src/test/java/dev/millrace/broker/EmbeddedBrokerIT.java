package dev.millrace.broker;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.millrace.local.LocalServerException;
import dev.millrace.local.LoopbackPort;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestFolders;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

class EmbeddedBrokerIT {

    private final Path folder = TestFolders.create("broker");

    @Test
    void whatWasCommittedSurvivesAKillAndTheSameFolderAndPortServeAgain() throws Exception {
        int port = LoopbackPort.free();
        Process holder =
                new ProcessBuilder(
                                JavaCommand.of("-Xmx512m")
                                        .main(
                                                BrokerHolder.class.getName(),
                                                folder.toString(),
                                                Integer.toString(port)))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try {
            awaitLine(holder, "written");
            assertThatThrownBy(() -> EmbeddedBroker.start(folder))
                    .isInstanceOf(LocalServerException.class)
                    .hasMessageContaining(folder.toString())
                    .hasMessageContaining("a running process holds it");
        } finally {
            holder.destroyForcibly().waitFor();
        }

        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, port)) {
            assertThat(broker.bootstrapServers()).isEqualTo("127.0.0.1:" + port);
            fenceTheOpenTransaction(broker);
            assertThat(committed(broker)).hasSize(BrokerHolder.COMMITTED).doesNotContain("open");
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, port)) {
            assertThat(committed(broker)).hasSize(BrokerHolder.COMMITTED);
        }
    }

    @Test
    void transactionsCarryAnEpochOfTheirOwn() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder);
                Admin admin = Admin.create(settings(broker))) {
            var features = admin.describeFeatures().featureMetadata().get().finalizedFeatures();

            assertThat(requireNonNull(features.get("transaction.version")).maxVersionLevel())
                    .isEqualTo((short) 2);
        }
    }

    @Test
    void aPortInUseIsRefusedByNumberAndTheFolderIsFreeAgain() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThatThrownBy(() -> EmbeddedBroker.start(folder, taken.getLocalPort()))
                    .isInstanceOf(LocalServerException.class)
                    .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder);
                Admin admin = Admin.create(settings(broker))) {
            assertThat(admin.describeCluster().nodes().get()).hasSize(1);
        }
    }

    /// As a successor does: the transaction that died with its producer is aborted.
    private static void fenceTheOpenTransaction(EmbeddedBroker broker) {
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        broker.bootstrapServers(),
                        "transactional.id",
                        "holder");
        try (var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
        }
    }

    private static List<String> committed(EmbeddedBroker broker) {
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        broker.bootstrapServers(),
                        "isolation.level",
                        "read_committed");
        List<String> values = new ArrayList<>();
        try (var consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            var partitions =
                    consumer.partitionsFor(BrokerHolder.TOPIC).stream()
                            .map(info -> new TopicPartition(info.topic(), info.partition()))
                            .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var ends = consumer.endOffsets(partitions);
            await().atMost(Duration.ofSeconds(20))
                    .until(
                            () -> {
                                consumer.poll(Duration.ofMillis(100))
                                        .forEach(record -> values.add(record.value()));
                                return ends.entrySet().stream()
                                        .allMatch(
                                                end ->
                                                        consumer.position(end.getKey())
                                                                >= end.getValue());
                            });
        }
        return values;
    }

    private static Map<String, Object> settings(EmbeddedBroker broker) {
        return Map.of("bootstrap.servers", broker.bootstrapServers());
    }

    private static void awaitLine(Process process, String expected) throws Exception {
        var reader = process.inputReader(StandardCharsets.UTF_8);
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            if (line.equals(expected)) {
                return;
            }
        }
        throw new AssertionError("the process ended without saying " + expected);
    }
}
