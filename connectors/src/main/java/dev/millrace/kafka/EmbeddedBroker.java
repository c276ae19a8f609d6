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

/// Runs a single-node KRaft broker inside this JVM. It keeps its log under a folder of the owner
/// alone and listens only on the loopback, where a client needs the password of this start: other
/// users of the machine can neither read the log nor connect. Every appended batch is flushed to
/// disk before it is acknowledged, so what the slot is told to forget survives a power cut. The
/// folder belongs to one broker at a time; started again on it, on the same port or another, the
/// broker has what it had. A fault that Kafka itself calls fatal (a disk that refuses writes) halts
/// the JVM, as it would a separate broker. Thread-safe.
public final class EmbeddedBroker implements AutoCloseable {

    private static final String WHAT = "The embedded Kafka broker";

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

    /// @throws LocalServerException with what to do: the folder is in use, the port is taken
    public static EmbeddedBroker start(Path folder, int port) {
        return start(folder, port, BrokerAccess.withPassword());
    }

    static EmbeddedBroker start(Path folder, int port, BrokerAccess access) {
        FolderLock lock = FolderLock.take(folder, WHAT);
        KafkaRaftServer server = null;
        try {
            Folders.makePrivate(folder);
            // Kafka halts the JVM when it can't bind, so the port is tried before.
            LoopbackPort.requireFree(port, WHAT);
            Path whole = folder.toRealPath();
            formatOnce(whole);
            int controllerPort = LoopbackPort.free();
            Properties properties = properties(whole.resolve("log"), port, controllerPort);
            properties.putAll(access.server());
            server = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
            server.startup();
            return new EmbeddedBroker(server, lock, "127.0.0.1:" + port, access, controllerPort);
        } catch (IOException e) {
            lock.close();
            throw new LocalServerException(WHAT + " can't use its folder " + folder + ": " + e, e);
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

    /// What every client of this broker is configured with: its address and its password. Printing
    /// the map does not print the password.
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
        properties.put("auto.create.topics.enable", "false");
        properties.put("log.flush.interval.messages", "1");
        // What was deleted shall stay deleted after a kill: the start of each log is noted this
        // often.
        properties.put("log.flush.start.offset.checkpoint.interval.ms", "1000");
        properties.put("offsets.retention.minutes", "525600");
        // After a kill the broker is let in again only when its former session has expired.
        properties.put("broker.session.timeout.ms", "3000");
        properties.put("broker.heartbeat.interval.ms", "500");
        properties.put("log.cleaner.dedupe.buffer.size", "16777216");
        properties.put("message.max.bytes", "67108864");
        properties.put("socket.request.max.bytes", "134217728");
        return properties;
    }

    /// Formats beside the log's place and moves it there when it is whole, so a death on the way
    /// leaves nothing that looks like a log.
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
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        int status =
                StorageTool.execute(
                        new String[] {
                            "format", "-t", Uuid.randomUuid().toString(), "-c", file.toString()
                        },
                        new PrintStream(said, true, StandardCharsets.UTF_8));
        if (status != 0) {
            throw new LocalServerException(
                    WHAT
                            + " can't format its folder "
                            + folder
                            + ": "
                            + said.toString(StandardCharsets.UTF_8));
        }
        Files.delete(file);
        Files.move(unfinished, log, StandardCopyOption.ATOMIC_MOVE);
    }
}
