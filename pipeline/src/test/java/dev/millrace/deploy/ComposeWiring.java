package dev.millrace.deploy;

import dev.millrace.deploy.ComposeFile.Service;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import kafka.server.KafkaConfig;

/// Checks the references between services: variables, secrets, addresses, and files in which one
/// service names another.
final class ComposeWiring {

    private static final Pattern IN_SECRETS = Pattern.compile("/run/secrets/([a-z-]+)");
    private static final Pattern ADDRESS = Pattern.compile("([a-z][a-z0-9-]*):(\\d{2,5})");
    private static final Pattern JDBC =
            Pattern.compile("jdbc:postgresql://([a-z-]+):(\\d+)/([a-z]+)");
    private static final Set<String> POSTGRES =
            Set.of(
                    "POSTGRES_DB",
                    "POSTGRES_USER",
                    "POSTGRES_PASSWORD_FILE",
                    "POSTGRES_INITDB_ARGS",
                    "PGHOST",
                    "PGPORT",
                    "PGUSER",
                    "PGDATABASE");
    private static final Set<String> GRAFANA =
            Set.of(
                    "GF_SECURITY_ADMIN_PASSWORD__FILE",
                    "GF_AUTH_ANONYMOUS_ENABLED",
                    "GF_AUTH_ANONYMOUS_ORG_ROLE",
                    "GF_ANALYTICS_REPORTING_ENABLED",
                    "GF_ANALYTICS_CHECK_FOR_UPDATES",
                    "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH");

    private final Checkout checkout;
    private final ComposeFile compose;
    private final Interpolation interpolation;
    private final Findings findings;

    ComposeWiring(Checkout checkout, Findings findings) {
        this.checkout = checkout;
        this.compose = ComposeFile.read(checkout);
        this.interpolation = Interpolation.ofExample(checkout);
        this.findings = findings;
    }

    /// The interpolated variables of the service.
    static Map<String, String> environment(Service service, Interpolation interpolation) {
        Map<String, String> values = new TreeMap<>();
        service.variables().forEach((name, text) -> values.put(name, interpolation.replace(text)));
        return values;
    }

    /// The file that is mounted as the service's migration file.
    static MigrationFile migrationFile(Checkout checkout, Service millrace) {
        String file =
                millrace.fileAt(Served.CONFIG)
                        .orElseThrow(
                                () ->
                                        new Findings.UnreadableFile(
                                                "millrace",
                                                "nothing is mounted at " + Served.CONFIG));
        return new MigrationFile(file, checkout.text(file));
    }

    void run() {
        compose.services().forEach(this::variables);
        secrets();
        compose.services().forEach(this::addresses);
        migration(compose.service("millrace"));
        findings.reading(() -> new MonitoringWiring(checkout, compose, findings).run());
        interpolation.unused().forEach(name -> findings.add(".env.example", "unused: " + name));
    }

    private void variables(String name, Service service) {
        for (String variable : environment(service, interpolation).keySet()) {
            boolean known =
                    switch (service.repository()) {
                        case "postgres" -> POSTGRES.contains(variable);
                        case "grafana/grafana" -> GRAFANA.contains(variable);
                        case "apache/kafka" -> isOfKafka(variable);
                        case "millrace" -> true; // checked against the migration file
                        default -> false;
                    };
            findings.require(known, name, "unused variable " + variable);
        }
    }

    /// The image maps `KAFKA_A_B` to the broker setting `a.b`.
    private static boolean isOfKafka(String variable) {
        if (variable.equals("CLUSTER_ID") || variable.equals("KAFKA_HEAP_OPTS")) {
            return true;
        }
        String setting =
                variable.replaceFirst("^KAFKA_", "").toLowerCase(Locale.ROOT).replace('_', '.');
        return variable.startsWith("KAFKA_") && KafkaConfig.configNames().contains(setting);
    }

    private void secrets() {
        Set<String> unused = new TreeSet<>(compose.secrets().keySet());
        compose.secrets().values().forEach(source -> interpolation.value(source.environment()));
        compose.services()
                .forEach(
                        (name, service) -> {
                            for (String secret : service.secretNames()) {
                                findings.require(
                                        compose.secrets().containsKey(secret),
                                        name,
                                        "the secret " + secret + " is not declared");
                                unused.remove(secret);
                            }
                            findings.require(
                                    service.secretNames().isEmpty()
                                            || !Boolean.TRUE.equals(service.readOnly()),
                                    name,
                                    "a secret from an environment variable needs a writable"
                                            + " container");
                            Set<String> read = secretsRead(service);
                            findings.require(
                                    read.equals(service.secretNames()),
                                    name,
                                    "it has the secrets "
                                            + service.secretNames()
                                            + " but uses "
                                            + read);
                        });
        unused.forEach(secret -> findings.add("secrets", "unused: " + secret));
    }

    /// Checks addresses in variables, command and mounted files.
    private Set<String> secretsRead(Service service) {
        List<String> texts = new ArrayList<>(service.variables().values());
        texts.addAll(service.arguments());
        service.mounts().stream()
                .filter(mount -> mount.isBind() && checkout.holds(mount.from()))
                .forEach(mount -> texts.addAll(textsIn(mount.from())));
        Set<String> read = new TreeSet<>();
        for (String text : texts) {
            IN_SECRETS.matcher(text).results().forEach(found -> read.add(found.group(1)));
        }
        return read;
    }

    private List<String> textsIn(String path) {
        if (checkout.root().resolve(path).toFile().isFile()) {
            return List.of(checkout.text(path));
        }
        return checkout.filesIn(path).stream()
                .map(file -> checkout.text(path + "/" + file))
                .toList();
    }

    private void addresses(String name, Service service) {
        environment(service, interpolation)
                .forEach((variable, value) -> requireListener(name + "." + variable, value));
        String host = service.variables().get("PGHOST");
        if (host != null) {
            requireListener(
                    name + ".PGHOST", host + ":" + service.variables().getOrDefault("PGPORT", ""));
            Service server = compose.service(host);
            findings.require(
                    service.variables().getOrDefault("PGDATABASE", "").equals(databaseOf(server)),
                    name,
                    "no such database at " + host);
        }
    }

    private void requireListener(String where, String value) {
        Matcher address = ADDRESS.matcher(value);
        while (address.find()) {
            String host = address.group(1);
            if (host.equals("localhost")) {
                continue;
            }
            Service server = compose.services().get(host);
            findings.require(server != null, where, "unknown host " + host);
            findings.require(
                    server == null || server.listens().contains(Integer.valueOf(address.group(2))),
                    where,
                    "nothing listens at " + address.group());
        }
    }

    private static String databaseOf(Service server) {
        return server.variables().getOrDefault("POSTGRES_DB", "");
    }

    private void migration(Service millrace) {
        findings.require(
                millrace.arguments().containsAll(List.of("run", "-c", Served.CONFIG)),
                "millrace",
                "its command does not run " + Served.CONFIG);
        findings.require(
                millrace.arguments().containsAll(List.of("--bind", "0.0.0.0")),
                "millrace",
                "its port is not reachable from outside the container");
        Map<String, String> environment = environment(millrace, interpolation);
        MigrationFile file = migrationFile(checkout, millrace);
        file.requireBound(environment, findings);
        file.read(environment, findings).ifPresent(valid -> places(valid.spec(), millrace));
        findings.require(environment.containsKey(Served.TOKEN), "millrace", "no token is set");
    }

    private void places(MigrationSpec spec, Service millrace) {
        for (Endpoint endpoint : List.of(spec.source(), spec.target())) {
            Matcher url = JDBC.matcher(endpoint.url());
            findings.require(
                    url.matches()
                            && url.group(3).equals(databaseOf(compose.service(url.group(1))))
                            && millrace.dependencies().containsKey(url.group(1)),
                    "millrace",
                    endpoint.url() + " is not a database of a service that it depends on");
        }
        findings.require(
                spec.kafka() instanceof Kafka.External kafka
                        && compose.service("kafka")
                                .variables()
                                .getOrDefault("KAFKA_ADVERTISED_LISTENERS", "")
                                .contains("://" + kafka.bootstrapServers()),
                "millrace",
                "the broker does not advertise the name that clients use");
        findings.require(
                millrace.mounts().stream()
                        .anyMatch(
                                mount ->
                                        !mount.isBind()
                                                && mount.to().equals(spec.dataDir().toString())),
                "millrace",
                "its data directory is not on a volume");
    }
}
