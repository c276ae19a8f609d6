package dev.millrace.kafka;

import dev.millrace.sandbox.FolderLock;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.LocalServerException;
import dev.millrace.sandbox.LoopbackPort;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;

/// Runs a single-node KRaft broker in this JVM. Its log is in a folder that only the owner can
/// access. It listens only on the loopback interface, and clients need the password of the current
/// start, so other users of the machine can neither read the log nor connect. Every appended batch
/// is flushed to disk before it is acknowledged, so changes that the replication slot confirms
/// survive a power failure. A folder belongs to one broker at a time; a broker that restarts on it,
/// on any port, has its earlier records. A fault that Kafka considers fatal, such as a write error
/// of the disk, halts the JVM, like a separate broker process. Thread-safe.
public final class EmbeddedBroker implements AutoCloseable {

    private static final String NAME = "The embedded Kafka broker";

    private final KafkaRaftServer server;
    private final FolderLock lock;
    private final String bootstrapServers;
    private final BrokerAccess access;
    private final int controllerPort;

    private EmbeddedBroker(
            KafkaRaftServer server,
            FolderLock lock,
            String bootstrapServers,
            BrokerAccess access,
            int controllerPort) {
        this.server = server;
        this.lock = lock;
        this.bootstrapServers = bootstrapServers;
        this.access = access;
        this.controllerPort = controllerPort;
    }

    public static EmbeddedBroker start(Path folder) {
        return start(folder, LoopbackPort.free());
    }

    /// @throws LocalServerException if the folder is in use or the port is taken; the message
    ///   contains the remedy
    public static EmbeddedBroker start(Path folder, int port) {
        return start(folder, port, BrokerAccess.withPassword());
    }

    static EmbeddedBroker start(Path folder, int port, BrokerAccess access) {
        FolderLock lock = FolderLock.take(folder, NAME);
        KafkaRaftServer server = null;
        try {
            Folders.makePrivate(folder);
            // Kafka halts the JVM if it cannot bind, so the port is tested first.
            LoopbackPort.requireFree(port, NAME);
            Path realFolder = folder.toRealPath();
            formatOnce(realFolder);
            int controllerPort = LoopbackPort.free();
            Properties properties = properties(realFolder.resolve("log"), port, controllerPort);
            properties.putAll(access.server());
            server = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
            server.startup();
            return new EmbeddedBroker(server, lock, "127.0.0.1:" + port, access, controllerPort);
        } catch (IOException e) {
            lock.close();
            throw new LocalServerException(NAME + " cannot use its folder " + folder + ": " + e, e);
        } catch (RuntimeException e) {
            if (server != null) {
                server.shutdown();
            }
            lock.close();
            throw e;
        }
    }

    public String bootstrapServers() {
        return bootstrapServers;
    }

    /// The client settings for this broker: its address and its password. Printing the map does not
    /// reveal the password.
    public Map<String, Object> clientSettings() {
        Map<String, Object> settings = new HashMap<>(access.client());
        settings.put("bootstrap.servers", bootstrapServers);
        return settings;
    }

    int controllerPort() {
        return controllerPort;
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
        lock.close();
    }

    private static Properties properties(Path log, int port, int controllerPort) {
        Properties properties = new Properties();
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", "1");
        properties.put("controller.quorum.voters", "1@127.0.0.1:" + controllerPort);
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put(
                "listeners",
                "BROKER://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controllerPort);
        properties.put("advertised.listeners", "BROKER://127.0.0.1:" + port);
        properties.put("listener.security.protocol.map", "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT");
        properties.put("inter.broker.listener.name", "BROKER");
        properties.put("log.dirs", log.toString());
        properties.put("offsets.topic.replication.factor", "1");
        properties.put("offsets.topic.num.partitions", "4");
        properties.put("transaction.state.log.replication.factor", "1");
        properties.put("transaction.state.log.min.isr", "1");
        properties.put("transaction.state.log.num.partitions", "4");
        properties.put("share.coordinator.state.topic.replication.factor", "1");
        properties.put("share.coordinator.state.topic.min.isr", "1");
        properties.put("group.initial.rebalance.delay.ms", "0");
        // A transaction that begins while the markers of the previous one are being written waits
        // this long. Capture writes one after the other, so the default of 20 ms is in every
        // change's latency.
        properties.put("add.partitions.to.txn.retry.backoff.ms", "1");
        properties.put("auto.create.topics.enable", "false");
        properties.put("log.flush.interval.messages", "1");
        // Deleted records must stay deleted after a kill, so the log start offsets are saved this
        // often.
        properties.put("log.flush.start.offset.checkpoint.interval.ms", "1000");
        // How soon the disk space of deleted records is freed.
        properties.put("log.retention.check.interval.ms", "60000");
        properties.put("offsets.retention.minutes", "525600");
        // After a kill the broker can register again only when its previous session has expired.
        properties.put("broker.session.timeout.ms", "3000");
        properties.put("broker.heartbeat.interval.ms", "500");
        properties.put("log.cleaner.dedupe.buffer.size", "16777216");
        properties.put("message.max.bytes", "67108864");
        properties.put("socket.request.max.bytes", "134217728");
        // No JMX beans for every client and topic.
        properties.put("metric.reporters", "");
        return properties;
    }

    /// Formats a temporary folder and moves it into place when it is complete, so an interrupted
    /// format leaves no partial log.
    private static void formatOnce(Path folder) throws IOException {
        Path log = folder.resolve("log");
        if (Files.exists(log.resolve("meta.properties"))) {
            return;
        }
        Path unfinished = folder.resolve("log.unfinished");
        Folders.delete(unfinished);
        Path file = folder.resolve("format.properties");
        try (var out = Files.newOutputStream(file)) {
            properties(unfinished, 9092, 9093).store(out, null);
        }
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        int status =
                StorageTool.execute(
                        new String[] {
                            "format", "-t", Uuid.randomUuid().toString(), "-c", file.toString()
                        },
                        new PrintStream(output, true, StandardCharsets.UTF_8));
        if (status != 0) {
            throw new LocalServerException(
                    NAME
                            + " cannot format its folder "
                            + folder
                            + ": "
                            + output.toString(StandardCharsets.UTF_8));
        }
        Files.delete(file);
        Files.move(unfinished, log, StandardCopyOption.ATOMIC_MOVE);
    }
}
