package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.Login;
import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Checks the `kafka` section.
final class KafkaCheck {

    private static final Pattern BROKER =
            Pattern.compile("\\s*(\\[[^\\]\\s]+]|[^\\s:,\\[\\]]+):\\d{1,5}\\s*");

    /// Properties for connecting to a cluster belong to the user; all other client properties
    /// belong to Millrace.
    private static final List<String> CONNECTION = List.of("security.", "sasl.", "ssl.");

    private static final String MECHANISM = "sasl.mechanism";
    private static final String JAAS = "sasl.jaas.config";
    private static final Set<String> MECHANISMS =
            new TreeSet<>(Set.of("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"));

    private final FilePaths paths;
    private final Problems problems;

    KafkaCheck(FilePaths paths, Problems problems) {
        this.paths = paths;
        this.problems = problems;
    }

    Kafka check(SpecForm.@Nullable KafkaForm form) {
        if (form == null) {
            return new Kafka.Embedded(Kafka.DEFAULT_PARTITIONS, Kafka.DEFAULT_RETENTION);
        }
        int partitions = partitions(form.partitions());
        Duration retention = retention(form.retention());
        Map<String, String> properties = properties(form.properties());
        Optional<Login> login = login(form, properties);
        Scalar servers = form.bootstrapServers();
        if (servers == null) {
            Stream.concat(
                            Stream.of(form.username(), form.password(), form.passwordFile()),
                            Stream.ofNullable(form.properties())
                                    .flatMap(given -> given.keySet().stream()))
                    .flatMap(Stream::ofNullable)
                    .findFirst()
                    .ifPresent(
                            key ->
                                    problems.add(
                                            key,
                                            "applies to an external cluster, but none is"
                                                    + " configured",
                                            "set kafka.bootstrap-servers"));
            return new Kafka.Embedded(partitions, retention);
        }
        for (String broker : servers.text().split(",", -1)) {
            if (!BROKER.matcher(broker).matches()) {
                problems.add(servers, "must be host:port; separate brokers with commas", "");
                break;
            }
        }
        return new Kafka.External(
                servers.text().replaceAll("\\s", ""), partitions, retention, properties, login);
    }

    /// Sets how the user logs in, if the properties do not.
    private Optional<Login> login(SpecForm.KafkaForm form, Map<String, String> properties) {
        Scalar username = form.username();
        Secret password =
                new SecretCheck(paths, problems, "password")
                        .check(form.password(), form.passwordFile());
        if (username == null) {
            Stream.of(form.password(), form.passwordFile())
                    .flatMap(Stream::ofNullable)
                    .forEach(given -> problems.add(given, "has no user", "set kafka.username"));
            return Optional.empty();
        }
        if (username.text().isBlank() || (form.password() == null && form.passwordFile() == null)) {
            problems.add(username, "has no name or no password", "set kafka.password-file");
        }
        String mechanism = properties.merge(MECHANISM, "SCRAM-SHA-512", (given, _) -> given);
        properties.putIfAbsent("security.protocol", "SASL_SSL");
        if (!MECHANISMS.contains(mechanism) || properties.containsKey(JAAS)) {
            problems.add(
                    username,
                    "is used with the mechanisms "
                            + String.join(", ", MECHANISMS)
                            + ", and without "
                            + JAAS,
                    "remove username and password, or " + MECHANISM + " and " + JAAS);
        }
        return password == null
                ? Optional.empty()
                : Optional.of(new Login(username.text(), password));
    }

    private int partitions(@Nullable Scalar partitions) {
        if (partitions == null) {
            return Kafka.DEFAULT_PARTITIONS;
        }
        String text = partitions.text().strip();
        if (text.matches("[0-9]{1,4}")) {
            int number = Integer.parseInt(text);
            if (number >= 1 && number <= SpecForm.MAX_PARTITIONS) {
                return number;
            }
        }
        problems.add(partitions, "must be an integer from 1 to " + SpecForm.MAX_PARTITIONS, "");
        return Kafka.DEFAULT_PARTITIONS;
    }

    private Duration retention(@Nullable Scalar retention) {
        if (retention == null) {
            return Kafka.DEFAULT_RETENTION;
        }
        String text = retention.text().strip();
        if (!text.matches(SpecForm.RETENTION)) {
            problems.add(
                    retention,
                    "must be a number and m, h or d (minutes, hours, days), at least 1m",
                    "set it to " + SpecForm.DEFAULT_RETENTION + ", for example");
            return Kafka.DEFAULT_RETENTION;
        }
        return Durations.parse(text);
    }

    private Map<String, String> properties(@Nullable Map<Scalar, Scalar> properties) {
        Map<String, String> given = new TreeMap<>();
        if (properties != null) {
            properties.forEach(
                    (key, value) -> {
                        if (CONNECTION.stream().noneMatch(key.text()::startsWith)) {
                            problems.add(
                                    key,
                                    "only security.*, sasl.* and ssl.* can be set; Millrace sets"
                                            + " every other client property",
                                    "remove it");
                        }
                        given.put(key.text(), paths.inKafka(key.text(), value.text()));
                    });
        }
        return given;
    }
}
