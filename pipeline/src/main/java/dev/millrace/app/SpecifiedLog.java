package dev.millrace.app;

import dev.millrace.ending.Premises.LogServer;
import dev.millrace.kafka.EmbeddedBroker;
import dev.millrace.kafka.access.ClusterLogin;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The Kafka cluster that the file specifies; the embedded broker if it specifies none. The broker
/// is started when its settings are needed first. Thread-safe.
final class SpecifiedLog implements LogServer {

    private final MigrationSpec spec;
    private @Nullable EmbeddedBroker broker;

    SpecifiedLog(MigrationSpec spec) {
        this.spec = spec;
    }

    @Override
    public synchronized Map<String, Object> settings() {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ -> started().clientSettings();
            case Kafka.External external -> ClusterLogin.settings(external);
        };
    }

    private EmbeddedBroker started() {
        EmbeddedBroker running = broker == null ? EmbeddedBroker.start(embeddedFolder()) : broker;
        broker = running;
        return running;
    }

    private Path embeddedFolder() {
        return spec.dataDir().resolve("kafka");
    }

    @Override
    public Optional<Path> folder() {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ -> Optional.of(embeddedFolder());
            case Kafka.External _ -> Optional.empty();
        };
    }

    @Override
    public synchronized void stop() {
        EmbeddedBroker running = broker;
        broker = null;
        if (running != null) {
            running.close();
        }
    }
}
