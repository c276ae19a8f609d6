package dev.millrace.doctor;

import dev.millrace.kafka.diagnosis.StreamDescription;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.diagnosis.ServerDiagnosis;
import dev.millrace.postgres.diagnosis.ServerView;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.Secret;
import dev.millrace.spec.setting.EffectiveSetting;
import dev.millrace.spec.setting.EffectiveSetting.Origin;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.stream.Direction;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The parts of a bundle that the migration file leads to: its settings, both servers and Kafka.
/// Not thread-safe; close it after the bundle is written.
public final class FileParts implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(FileParts.class);
    private static final Pattern QUOTED = Pattern.compile("=\\s*[\"']([^\"']+)[\"']");
    private static final Pattern SECRET_KEY =
            Pattern.compile("(?i).*(password|secret|token|credential|jaas|key|user).*");

    private final MigrationSpec spec;
    private final List<ServerDiagnosis> servers = new ArrayList<>();

    public FileParts(MigrationSpec spec) {
        this.spec = spec;
    }

    /// Every secret of the file, for a [Redaction].
    public static List<String> secrets(MigrationSpec spec) {
        List<String> secrets = new ArrayList<>();
        Stream.of(spec.source(), spec.target())
                .flatMap(
                        endpoint ->
                                Stream.concat(
                                        Stream.of(endpoint.password()),
                                        endpoint.reconcile().stream()
                                                .map(MigrationSpec.Login::password)))
                .map(Secret::reveal)
                .forEach(secrets::add);
        for (Route route : spec.switchover().route()) {
            switch (route) {
                case Route.Webhook webhook -> secrets.add(webhook.token().reveal());
                case Route.PgBouncer pool -> secrets.add(pool.admin().password().reveal());
                case Route.Flag _, Route.Sql _, Route.Exec _ -> {}
            }
        }
        if (spec.kafka() instanceof Kafka.External external) {
            addProperties(secrets, external.properties());
        }
        addProperties(secrets, spec.debezium());
        return secrets;
    }

    private static void addProperties(List<String> secrets, Map<String, String> properties) {
        properties.forEach(
                (key, value) -> {
                    if (SECRET_KEY.matcher(key).matches()) {
                        secrets.add(value);
                        QUOTED.matcher(value).results().forEach(part -> secrets.add(part.group(1)));
                    }
                });
    }

    /// The settings without secrets and without values of the environment.
    public static List<Map<String, String>> masked(List<EffectiveSetting> settings) {
        return settings.stream()
                .map(
                        setting ->
                                Map.of(
                                        "key", setting.key(),
                                        "value",
                                                setting.origin() == Origin.ENVIRONMENT
                                                        ? EffectiveSetting.MASKED
                                                        : setting.value(),
                                        "origin", setting.origin().id(),
                                        "place", setting.place()))
                .toList();
    }

    /// The version of a server, such as `18.1`; empty if the server cannot be asked.
    public static Optional<String> serverVersion(String migration, Endpoint endpoint) {
        try (ServerDiagnosis server = diagnosis(migration, endpoint)) {
            return server.read(ServerView.SETTINGS).stream()
                    .filter(setting -> "server_version".equals(setting.get("name")))
                    .map(setting -> String.valueOf(setting.get("setting")))
                    .findFirst();
        } catch (SQLException | IllegalArgumentException e) {
            LOG.debug("the version of a server is not known", e);
            return Optional.empty();
        }
    }

    private static ServerDiagnosis diagnosis(String migration, Endpoint endpoint) {
        return new ServerDiagnosis(
                new Database(
                        migration,
                        endpoint.url(),
                        endpoint.username(),
                        endpoint.password()::reveal));
    }

    public void addTo(Bundle bundle) {
        addServer(bundle, "source", spec.source());
        addServer(bundle, "target", spec.target());
        bundle.add(
                "kafka.json",
                "brokers, topics and consumer groups of the migration, and their offsets",
                this::kafka);
    }

    private void addServer(Bundle bundle, String side, Endpoint endpoint) {
        ServerDiagnosis server = diagnosis(spec.migration(), endpoint);
        servers.add(server);
        for (ServerView view : ServerView.values()) {
            bundle.add(
                    side + "/" + view.id() + ".json",
                    side + ": " + view.id(),
                    () -> server.read(view));
        }
    }

    private Map<String, Object> kafka() throws Exception {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ ->
                    throw new Bundle.LeftOut(
                            "only the service can connect to the embedded broker; see"
                                    + " service/status.json");
            case Kafka.External external -> {
                Map<String, Object> settings = new HashMap<>(external.properties());
                settings.put("bootstrap.servers", external.bootstrapServers());
                List<String> streams =
                        Stream.of(Direction.FORWARD, Direction.REVERSE)
                                .map(direction -> direction.id(spec.migration()))
                                .toList();
                try (StreamDescription described = new StreamDescription(settings, streams)) {
                    yield Map.of("topics", described.topics(), "groups", described.groups());
                }
            }
        };
    }

    @Override
    public void close() {
        for (ServerDiagnosis server : servers) {
            try {
                server.close();
            } catch (SQLException e) {
                LOG.debug("a session could not be closed", e);
            }
        }
    }
}
