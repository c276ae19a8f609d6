package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.Kafka;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks where the log is kept.
final class KafkaCheck {

    private static final Pattern BROKER =
            Pattern.compile("\\s*(\\[[^\\]\\s]+]|[^\\s:,\\[\\]]+):\\d{1,5}\\s*");

    /// How a client reaches a cluster is the user's; what it does there is Millrace's.
    private static final List<String> CONNECTION = List.of("security.", "sasl.", "ssl.");

    private final FilePaths paths;
    private final Problems problems;

    KafkaCheck(FilePaths paths, Problems problems) {
        this.paths = paths;
        this.problems = problems;
    }

    Kafka check(SpecForm.@Nullable KafkaForm form) {
        if (form == null) {
            return new Kafka.Embedded(Kafka.DEFAULT_PARTITIONS);
        }
        int partitions = partitions(form.partitions());
        Map<String, String> properties = properties(form.properties());
        Scalar servers = form.bootstrapServers();
        if (servers == null) {
            if (form.properties() != null) {
                form.properties().keySet().stream()
                        .findFirst()
                        .ifPresent(
                                key ->
                                        problems.add(
                                                key,
                                                "belongs to an external cluster, and none is named",
                                                "give kafka.bootstrap-servers"));
            }
            return new Kafka.Embedded(partitions);
        }
        for (String broker : servers.text().split(",", -1)) {
            if (!BROKER.matcher(broker).matches()) {
                problems.add(servers, "must be host:port, with commas between brokers", "");
                break;
            }
        }
        return new Kafka.External(servers.text().replaceAll("\\s", ""), partitions, properties);
    }

    private int partitions(@Nullable Scalar partitions) {
        if (partitions == null) {
            return Kafka.DEFAULT_PARTITIONS;
        }
        String text = partitions.text().strip();
        if (text.matches("[0-9]{1,4}")) {
            int number = Integer.parseInt(text);
            if (number >= 1 && number <= SpecForm.MOST_PARTITIONS) {
                return number;
            }
        }
        problems.add(
                partitions, "must be a whole number from 1 to " + SpecForm.MOST_PARTITIONS, "");
        return Kafka.DEFAULT_PARTITIONS;
    }

    private Map<String, String> properties(@Nullable Map<Scalar, Scalar> properties) {
        Map<String, String> given = new TreeMap<>();
        if (properties != null) {
            properties.forEach(
                    (key, value) -> {
                        if (CONNECTION.stream().noneMatch(key.text()::startsWith)) {
                            problems.add(
                                    key,
                                    "only security.*, sasl.* and ssl.* are taken; what clients do"
                                            + " on the cluster is Millrace's",
                                    "leave it out");
                        }
                        given.put(key.text(), paths.inKafka(key.text(), value.text()));
                    });
        }
        return given;
    }
}
