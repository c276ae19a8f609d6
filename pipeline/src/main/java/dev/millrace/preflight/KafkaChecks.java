package dev.millrace.preflight;

import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.BrokerException;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.kafka.access.ClusterLogin;
import dev.millrace.preflight.Findings.Measured;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Checks that Kafka answers, and that existing topics belong to this migration, have the declared
/// number of partitions and are replicated. Creates no topic.
final class KafkaChecks {

    private static final String REACHABLE = "kafka.reachable";

    private KafkaChecks() {}

    static List<Finding> judge(MigrationSpec spec) {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ ->
                    List.of(Finding.ok(REACHABLE, "embedded broker", "starts with the service"));
            case Kafka.External external -> judge(spec.migration(), external);
        };
    }

    private static List<Finding> judge(String migration, Kafka.External kafka) {
        TopicPlan plan = TopicPlan.of(new Topics(migration), kafka.partitions());
        Findings findings = new Findings(REACHABLE);
        try (Broker broker = new Broker(ClusterLogin.settings(kafka))) {
            broker.requireAnswer();
            List<Finding> access = KafkaAccessCheck.judge(migration, kafka);
            if (access.stream().anyMatch(found -> !found.status().passes())) {
                return access;
            }
            for (Broker.TopicSpec topic : plan.all()) {
                Optional<Broker.Topic> found = broker.find(topic.name());
                found.filter(existing -> existing.partitions() != topic.partitions())
                        .ifPresent(
                                existing ->
                                        findings.refuse(
                                                "topic " + topic.name(),
                                                new Measured(
                                                        existing.partitions() + " partitions",
                                                        topic.partitions() + " partitions"),
                                                "has "
                                                        + existing.partitions()
                                                        + " partitions, but the file declares "
                                                        + topic.partitions()
                                                        + "; the number is fixed when a topic is"
                                                        + " created",
                                                "Set kafka.partitions"
                                                        + " to "
                                                        + existing.partitions()
                                                        + "."));
            }
            replication(broker, plan, findings);
            List<Finding> all = new ArrayList<>(findings.orOk(kafka.bootstrapServers(), "answers"));
            all.addAll(settings(broker, plan, kafka.bootstrapServers()));
            all.addAll(access);
            return all;
        } catch (BrokerException e) {
            return List.of(KafkaAccessCheck.failed(kafka, e));
        }
    }

    /// A new topic gets the settings that Millrace needs; an existing one may have others.
    private static List<Finding> settings(Broker broker, TopicPlan plan, String servers) {
        Findings findings = new Findings("kafka.topic-settings");
        for (Broker.TopicSpec topic : plan.all()) {
            if (broker.find(topic.name()).isPresent()) {
                broker.insufficient(topic)
                        .forEach(
                                (name, found) ->
                                        findings.refuse(
                                                "topic " + topic.name(),
                                                new Measured(
                                                        name + "=" + found,
                                                        name + "=" + topic.config().get(name)),
                                                "has %s=%s, so records could be lost or refused"
                                                        .formatted(name, found),
                                                "kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%s"
                                                        .formatted(
                                                                servers,
                                                                topic.name(),
                                                                name,
                                                                topic.config().get(name))));
            }
        }
        return findings.orOk("topics", "have or get the settings that the log needs");
    }

    /// Missing topics are created with the cluster's defaults.
    private static void replication(Broker broker, TopicPlan plan, Findings findings) {
        Set<String> missing = new TreeSet<>();
        for (Broker.TopicSpec topic : plan.all()) {
            if (broker.find(topic.name()).isEmpty()) {
                missing.add(topic.name());
            } else {
                judge("topic " + topic.name(), broker.replication(topic.name()), findings);
            }
        }
        if (missing.isEmpty()) {
            return;
        }
        String object = "topics to create: " + String.join(", ", missing);
        try {
            judge(object, broker.defaultReplication(), findings);
        } catch (BrokerException e) {
            findings.warn(
                    object,
                    "the brokers' defaults cannot be read: " + e.getMessage(),
                    "Grant DescribeConfigs on the cluster, or check default.replication.factor"
                            + " and min.insync.replicas yourself.");
        }
    }

    private static void judge(String object, Broker.Replication replication, Findings findings) {
        String numbers =
                replication.replicas()
                        + (replication.replicas() == 1 ? " replica" : " replicas")
                        + " and min.insync.replicas="
                        + replication.required();
        if (!replication.acceptsWrites()) {
            findings.refuse(
                    object,
                    "has " + numbers + ", so no write can succeed",
                    "Add replicas (kafka-reassign-partitions.sh, or default.replication.factor"
                            + " of the brokers), or lower min.insync.replicas.");
        } else if (replication.replicas() == 1) {
            findings.warn(
                    object,
                    numbers
                            + ": if that broker's disk is lost, the log is lost and the"
                            + " migration must start over",
                    "Use 3 replicas and min.insync.replicas=2, except for a trial.");
        } else if (replication.required() == 1) {
            findings.warn(
                    object,
                    numbers
                            + ": an acknowledged record may be on one disk only; if it is lost,"
                            + " every row must be read again (millrace rebackfill)",
                    "Set min.insync.replicas=2.");
        }
    }

    /// Refuses topics that contain records of a migration that did not start on this target.
    static List<Finding> foreignRecords(MigrationSpec spec, boolean begun) {
        if (begun || !(spec.kafka() instanceof Kafka.External external)) {
            return List.of();
        }
        TopicPlan plan = TopicPlan.of(new Topics(spec.migration()), external.partitions());
        Findings findings = new Findings("kafka.topics");
        try (Broker broker = new Broker(ClusterLogin.settings(external))) {
            for (Broker.TopicSpec topic : plan.all()) {
                broker.find(topic.name())
                        .filter(broker::hasRecords)
                        .ifPresent(
                                found ->
                                        findings.refuse(
                                                "topic " + found.name(),
                                                "contains records, but no migration of this name"
                                                        + " has started on this target: the"
                                                        + " records are of another"
                                                        + " migration, or the"
                                                        + " target was"
                                                        + " recreated",
                                                "Choose another migration name, or delete the"
                                                        + " topic if no other migration uses it."));
            }
        } catch (BrokerException _) {
            // The reachability check reports this failure.
            return List.of();
        }
        return findings.orOk("topics", "contain no records of another migration");
    }
}
