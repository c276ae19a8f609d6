package dev.millrace.testing;

import dev.millrace.kafka.EmbeddedBroker;
import dev.millrace.kafka.OpenBroker;
import dev.millrace.sandbox.Folders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.kafka.KafkaContainer;

/// One Kafka for all tests of a module; tests keep apart by the migration's name, which prefixes
/// every topic. A container where a container engine answers, else a broker inside this JVM.
public final class KafkaServer {

    private static final Logger LOG = LoggerFactory.getLogger(KafkaServer.class);
    private static final AtomicInteger NAMES = new AtomicInteger();

    private static final class Shared {
        static final KafkaServer INSTANCE =
                new KafkaServer(ContainerEngine.answers() ? container() : embedded());
    }

    private final String bootstrapServers;

    private KafkaServer(String bootstrapServers) {
        this.bootstrapServers = bootstrapServers;
    }

    public static KafkaServer shared() {
        return Shared.INSTANCE;
    }

    public String bootstrapServers() {
        return bootstrapServers;
    }

    /// A migration name that no other test uses.
    public static String newMigrationName() {
        return "t" + NAMES.incrementAndGet() + "_" + Long.toString(System.nanoTime(), 36);
    }

    private static String container() {
        @SuppressWarnings("resource") // Testcontainers' own reaper ends it with this JVM.
        KafkaContainer server =
                new KafkaContainer("apache/kafka:4.3.1")
                        .withEnv("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
                        .withEnv("KAFKA_MESSAGE_MAX_BYTES", "67108864");
        server.start();
        LOG.atInfo()
                .addKeyValue("address", server.getBootstrapServers())
                .log("Kafka for tests is a container");
        return server.getBootstrapServers();
    }

    private static String embedded() {
        Path folder = TestFolders.createInMemory("kafka");
        EmbeddedBroker broker = OpenBroker.start(folder);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(broker, folder)));
        LOG.atInfo()
                .addKeyValue("address", broker.bootstrapServers())
                .log("Kafka for tests is embedded");
        return broker.bootstrapServers();
    }

    private static void end(EmbeddedBroker broker, Path folder) {
        broker.close();
        try {
            Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
