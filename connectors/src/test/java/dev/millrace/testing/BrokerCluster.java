package dev.millrace.testing;

import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.LoopbackPort;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.awaitility.Awaitility;

/// Three brokers that are controllers too, each in a separate process. Topics have three replicas
/// and accept writes with two. Not thread-safe.
public final class BrokerCluster implements AutoCloseable {

    private static final int BROKERS = 3;

    private final Path folder = TestFolders.createInMemory("cluster");
    private final String id = Uuid.randomUuid().toString();
    private final List<Integer> ports = ports();
    private final List<Integer> controllers = ports();
    private final Process[] processes = new Process[BROKERS];

    public BrokerCluster() {
        for (int broker = 1; broker <= BROKERS; broker++) {
            start(broker);
        }
        for (int port : ports) {
            BrokerProcess.awaitListening(port);
        }
    }

    private static List<Integer> ports() {
        return IntStream.range(0, BROKERS).mapToObj(_ -> LoopbackPort.free()).toList();
    }

    public String bootstrapServers() {
        return ports.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
    }

    /// The number of the broker that leads a partition.
    public int leader(String topic, int partition) throws InterruptedException {
        try (Admin admin = admin()) {
            return Objects.requireNonNull(
                            admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic))
                    .partitions()
                    .get(partition)
                    .leader()
                    .id();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The number of the active controller.
    public int controller() throws InterruptedException {
        try (Admin admin = admin()) {
            return admin.describeMetadataQuorum().quorumInfo().get().leaderId();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrapServers()));
    }

    /// @param broker from 1
    public void kill(int broker) throws InterruptedException {
        processes[broker - 1].destroyForcibly();
        processes[broker - 1].waitFor();
    }

    /// Waits until every replica is in sync again, so that the loss of another broker is the loss
    /// of one.
    public void restart(int broker) {
        start(broker);
        Awaitility.await().atMost(Waits.LIMIT).ignoreExceptions().until(this::isInSync);
    }

    private boolean isInSync() throws InterruptedException, ExecutionException {
        try (Admin admin = admin()) {
            Set<String> topics =
                    admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get();
            return admin.describeTopics(topics).allTopicNames().get().values().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .allMatch(partition -> partition.isr().size() == BROKERS);
        }
    }

    private void start(int broker) {
        try {
            Path file = folder.resolve(broker + ".properties");
            try (OutputStream out = Files.newOutputStream(file)) {
                properties(broker).store(out, null);
            }
            processes[broker - 1] =
                    new ProcessBuilder(
                                    JavaCommand.of("-Xmx384m")
                                            .main(
                                                    BrokerCluster.class.getName(),
                                                    file.toString(),
                                                    id))
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve(broker + ".output").toFile())
                            .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Properties properties(int broker) {
        Properties properties = new Properties();
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", Integer.toString(broker));
        properties.put(
                "controller.quorum.voters",
                IntStream.rangeClosed(1, BROKERS)
                        .mapToObj(each -> each + "@127.0.0.1:" + controllers.get(each - 1))
                        .collect(Collectors.joining(",")));
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put(
                "listeners",
                "BROKER://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                        .formatted(ports.get(broker - 1), controllers.get(broker - 1)));
        properties.put("advertised.listeners", "BROKER://127.0.0.1:" + ports.get(broker - 1));
        properties.put("listener.security.protocol.map", "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT");
        properties.put("inter.broker.listener.name", "BROKER");
        properties.put("log.dirs", folder.resolve("log-" + broker).toString());
        for (String topics :
                List.of(
                        "offsets.topic",
                        "transaction.state.log",
                        "share.coordinator.state.topic")) {
            properties.put(topics + ".replication.factor", "3");
        }
        properties.put("transaction.state.log.min.isr", "2");
        properties.put("share.coordinator.state.topic.min.isr", "2");
        properties.put("offsets.topic.num.partitions", "4");
        properties.put("transaction.state.log.num.partitions", "4");
        properties.put("default.replication.factor", "3");
        properties.put("min.insync.replicas", "2");
        properties.put("group.initial.rebalance.delay.ms", "0");
        properties.put("auto.create.topics.enable", "false");
        properties.put("message.max.bytes", "67108864");
        properties.put("replica.fetch.max.bytes", "67108864");
        properties.put("socket.request.max.bytes", "134217728");
        properties.put("broker.session.timeout.ms", "3000");
        properties.put("broker.heartbeat.interval.ms", "500");
        properties.put("log.cleaner.dedupe.buffer.size", "16777216");
        properties.put("metric.reporters", "");
        return properties;
    }

    @Override
    public void close() {
        try {
            for (int broker = 1; broker <= BROKERS; broker++) {
                kill(broker);
            }
            Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// @param arguments the file with the properties and the id of the cluster; ends when it is
    ///   killed
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (var in = Files.newInputStream(Path.of(arguments[0]))) {
            properties.load(in);
        }
        StorageTool.execute(
                new String[] {
                    "format", "--ignore-formatted", "-t", arguments[1], "-c", arguments[0]
                },
                new PrintStream(System.out, true));
        new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM).startup();
        Thread.currentThread().join();
    }
}
