package dev.millrace.kafka;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.millrace.sandbox.LocalServerException;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class EmbeddedBrokerIT {

    private static final String EARLY = "early";

    private static final int EARLY_PARTITIONS = 64;

    /// As many as the producer has in flight.
    private static final int EARLY_BATCHES = 5;

    private static final Path SHARED_FOLDER = TestFolders.create("broker");
    private static final EmbeddedBroker SHARED = startInWorldWritableFolder();

    private final Path folder = TestFolders.create("broker");

    private static EmbeddedBroker startInWorldWritableFolder() {
        try {
            Files.setPosixFilePermissions(
                    SHARED_FOLDER, PosixFilePermissions.fromString("rwxrwxrwx"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return EmbeddedBroker.start(SHARED_FOLDER);
    }

    @AfterAll
    static void close() {
        SHARED.close();
    }

    @Test
    void committedRecordsSurviveKillAndRestartOnSameFolderAndPort() throws Exception {
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
                    .hasMessageContaining("a running process uses it");
        } finally {
            holder.destroyForcibly().waitFor();
        }

        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, port)) {
            assertThat(broker.bootstrapServers()).isEqualTo("127.0.0.1:" + port);
            abortOpenTransaction(broker);
            assertThat(committed(broker)).hasSize(BrokerHolder.COMMITTED).doesNotContain("open");
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, port)) {
            assertThat(committed(broker)).hasSize(BrokerHolder.COMMITTED);
        }
    }

    @Test
    void usesTransactionVersionTwo() throws Exception {
        try (Admin admin = Admin.create(SHARED.clientSettings())) {
            var features = admin.describeFeatures().featureMetadata().get().finalizedFeatures();

            assertThat(requireNonNull(features.get("transaction.version")).maxVersionLevel())
                    .isEqualTo((short) 2);
        }
    }

    @Test
    void rejectsPortInUseAndReleasesFolder() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThatThrownBy(() -> EmbeddedBroker.start(folder, taken.getLocalPort()))
                    .isInstanceOf(LocalServerException.class)
                    .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder);
                Admin admin = Admin.create(broker.clientSettings())) {
            assertThat(admin.describeCluster().nodes().get()).hasSize(1);
        }
    }

    @Test
    void folderIsAccessibleOnlyToOwner() throws Exception {
        assertThat(Files.getPosixFilePermissions(SHARED_FOLDER))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bootstrap.servers", "bootstrap.controllers"})
    void brokerAndControllerRejectClientsWithoutPassword(String listener) {
        Map<String, Object> stranger = new HashMap<>(SHARED.clientSettings());
        stranger.remove("bootstrap.servers");
        stranger.put(
                listener,
                listener.equals("bootstrap.servers")
                        ? SHARED.bootstrapServers()
                        : "127.0.0.1:" + SHARED.controllerPort());
        stranger.put("request.timeout.ms", 500);
        stranger.put("default.api.timeout.ms", 1000);
        assertThat(failureOfRequest(stranger)).isNull();

        stranger.put("sasl.jaas.config", login("a guess"));
        assertThat(failureOfRequest(stranger)).isInstanceOf(SaslAuthenticationException.class);

        stranger.put("security.protocol", "PLAINTEXT");
        assertThat(failureOfRequest(stranger)).isInstanceOf(TimeoutException.class);
    }

    @Test
    void passwordDiffersPerStartAndIsNotPrinted() {
        Password known = (Password) requireNonNull(SHARED.clientSettings().get("sasl.jaas.config"));
        Password other =
                (Password)
                        requireNonNull(
                                BrokerAccess.withPassword().client().get("sasl.jaas.config"));

        assertThat(known.value()).isNotEqualTo(other.value());
        assertThat(SHARED.clientSettings().toString()).doesNotContain("PlainLoginModule");
        assertThat(BrokerAccess.withPassword().toString()).doesNotContain("PlainLoginModule");
    }

    /// Shows why the service suppresses this error in the broker's log. A plain transactional
    /// producer causes it in the same way as the capture, with several batches of a partition in
    /// flight. While the markers of the previous transaction are being written, the broker rejects
    /// the first batch (CONCURRENT_TRANSACTIONS). The second batch then reaches a partition that
    /// has no state of the producer yet. The client sends both again, in order.
    ///
    /// The broker itself repeats the attempt for 100 ms, which hides the error while it is not
    /// loaded. This one gives up after 1 ms. The error then requires that the markers are written
    /// after the first of the batches in flight was rejected and before the last was. How long the
    /// markers take depends on the machine and on the number of partitions, so each transaction has
    /// another number of them.
    @Test
    void clientResendsBatchesAfterOutOfOrderErrors() throws Exception {
        Logger brokerLog = (Logger) LoggerFactory.getLogger("kafka.server.ReplicaManager");
        ListAppender<ILoggingEvent> logged = new ListAppender<>();
        logged.start();
        brokerLog.addAppender(logged);
        brokerLog.setAdditive(false);
        try (EmbeddedBroker broker =
                EmbeddedBroker.start(
                        folder,
                        LoopbackPort.free(),
                        new BrokerAccess(
                                Map.of("add.partitions.to.txn.retry.backoff.max.ms", "1"),
                                Map.of()))) {
            Map<Integer, List<String>> sent = commitUntil(broker, () -> !logged.list.isEmpty());

            assertThat(logged.list)
                    .isNotEmpty()
                    .allSatisfy(
                            event ->
                                    assertThat(event.getThrowableProxy().getClassName())
                                            .isEqualTo(
                                                    OutOfOrderSequenceException.class.getName()));
            assertThat(committed(broker, EARLY)).isEqualTo(sent);
        } finally {
            brokerLog.detachAppender(logged);
            brokerLog.setAdditive(true);
        }
    }

    /// Commits transactions one after the other, for at most a minute.
    ///
    /// @return the values of each partition
    private static Map<Integer, List<String>> commitUntil(
            EmbeddedBroker broker, BooleanSupplier done) throws Exception {
        try (Admin admin = Admin.create(broker.clientSettings())) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(
                                            EARLY,
                                            Optional.of(EARLY_PARTITIONS),
                                            Optional.empty())))
                    .all()
                    .get();
        }
        Map<String, Object> settings = with(broker, "transactional.id", "early");
        settings.put("batch.size", 64);
        Map<Integer, List<String>> sent = new TreeMap<>();
        try (var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            for (int n = 0; !done.getAsBoolean() && System.nanoTime() < end; n++) {
                int partitions = 1 + n % EARLY_PARTITIONS;
                producer.beginTransaction();
                for (int i = 0; i < EARLY_BATCHES; i++) {
                    String value = n + "." + i;
                    for (int partition = 0; partition < partitions; partition++) {
                        producer.send(new ProducerRecord<>(EARLY, partition, null, value));
                        sent.computeIfAbsent(partition, _ -> new ArrayList<>()).add(value);
                    }
                }
                producer.commitTransaction();
            }
        }
        return sent;
    }

    private static Password login(String password) {
        return new Password(
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                        + " username=\"millrace\" password=\""
                        + password
                        + "\";");
    }

    /// @return the failure of a request with these settings, or `null`
    private static @Nullable Throwable failureOfRequest(Map<String, Object> settings) {
        try (Admin admin = Admin.create(settings)) {
            admin.describeCluster().clusterId().get();
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// Aborts the transaction of the killed producer, as its successor does.
    private static void abortOpenTransaction(EmbeddedBroker broker) {
        try (var producer =
                new KafkaProducer<>(
                        with(broker, "transactional.id", "holder"),
                        new StringSerializer(),
                        new StringSerializer())) {
            producer.initTransactions();
        }
    }

    private static List<String> committed(EmbeddedBroker broker) {
        return committed(broker, BrokerHolder.TOPIC).values().stream()
                .flatMap(List::stream)
                .toList();
    }

    /// The committed values of each partition, in order.
    private static Map<Integer, List<String>> committed(EmbeddedBroker broker, String topic) {
        Map<Integer, List<String>> values = new TreeMap<>();
        try (var consumer =
                new KafkaConsumer<>(
                        with(broker, "isolation.level", "read_committed"),
                        new StringDeserializer(),
                        new StringDeserializer())) {
            var partitions =
                    consumer.partitionsFor(topic).stream()
                            .map(info -> new TopicPartition(info.topic(), info.partition()))
                            .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            // A commit is acknowledged before its markers are written, so the committed end offset
            // may be too low.
            Map<TopicPartition, Long> ends;
            try (var all =
                    new KafkaConsumer<>(
                            with(broker, "isolation.level", "read_uncommitted"),
                            new StringDeserializer(),
                            new StringDeserializer())) {
                ends = all.endOffsets(partitions);
            }
            await().atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                consumer.poll(Duration.ofMillis(100))
                                        .forEach(
                                                record ->
                                                        values.computeIfAbsent(
                                                                        record.partition(),
                                                                        _ -> new ArrayList<>())
                                                                .add(record.value()));
                                return ends.entrySet().stream()
                                        .allMatch(
                                                end ->
                                                        consumer.position(end.getKey())
                                                                >= end.getValue());
                            });
        }
        return values;
    }

    private static Map<String, Object> with(EmbeddedBroker broker, String name, Object value) {
        Map<String, Object> settings = broker.clientSettings();
        settings.put(name, value);
        return settings;
    }

    private static void awaitLine(Process process, String expected) throws Exception {
        var reader = process.inputReader(StandardCharsets.UTF_8);
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            if (line.equals(expected)) {
                return;
            }
        }
        throw new AssertionError("the process ended without printing " + expected);
    }
}
