package dev.millrace.testing;

import dev.millrace.broker.EmbeddedBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/// One Kafka for all tests of a module; tests keep apart by the migration's name, which prefixes
/// every topic.
public final class KafkaServer {

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static final class Shared {
        static final KafkaServer INSTANCE = new KafkaServer();
    }

    private final EmbeddedBroker broker;

    private KafkaServer() {
        try {
            Path folder = Files.createTempDirectory("millrace-kafka");
            broker = EmbeddedBroker.start(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static KafkaServer shared() {
        return Shared.INSTANCE;
    }

    public String bootstrapServers() {
        return broker.bootstrapServers();
    }

    /// A migration name that no other test of this server uses.
    public String newMigrationName() {
        return "t" + NAMES.incrementAndGet() + "_" + Long.toString(System.nanoTime(), 36);
    }
}
