package dev.millrace.preflight.kafka;

import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.Broker.TopicSpec;
import dev.millrace.kafka.BrokerException;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.kafka.access.ClusterLogin;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Checks that Kafka answers, and that existing topics belong to this migration, have the declared
/// number of partitions and are replicated, and that missing ones can be created. Creates no topic.
public final class KafkaChecks {

    private KafkaChecks() {}

    public static List<Finding> judge(MigrationSpec spec) {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ ->
                    List.of(
                            Finding.ok(
                                    CheckName.KAFKA_REACHABLE,
                                    "embedded broker",
                                    "starts with the service"));
            case Kafka.External external -> judge(spec.migration(), external);
        };
    }

    private static List<Finding> judge(String migration, Kafka.External kafka) {
        TopicPlan plan = TopicPlan.of(new Topics(migration), kafka.partitions());
        List<Finding> all = new ArrayList<>();
        try (Broker broker = new Broker(ClusterLogin.settings(kafka))) {
            broker.requireAnswer();
            List<Finding> access = KafkaAccessCheck.judge(migration, kafka);
            if (access.stream().anyMatch(found -> !found.status().passes())) {
                return access;
            }
            List<TopicSpec> present =
                    plan.all().stream()
                            .filter(each -> broker.find(each.name()).isPresent())
                            .toList();
            List<TopicSpec> missing =
                    plan.all().stream().filter(each -> !present.contains(each)).toList();
            all.addAll(partitions(broker, present));
            all.addAll(replication(broker, present, missing));
            all.addAll(settings(broker, present, kafka.bootstrapServers()));
            all.addAll(creation(broker, missing));
            all.addAll(access);
            all.addFirst(
                    Finding.ok(CheckName.KAFKA_REACHABLE, kafka.bootstrapServers(), "answers"));
            return all;
        } catch (BrokerException e) {
            all.add(KafkaAccessCheck.failed(kafka, e));
            return all;
        }
    }

    private static List<Finding> partitions(Broker broker, List<TopicSpec> present) {
        Findings findings = new Findings(CheckName.KAFKA_PARTITIONS);
        for (TopicSpec topic : present) {
            int found = broker.find(topic.name()).orElseThrow().partitions();
            if (found != topic.partitions()) {
                findings.misconfigured(
                        "topic " + topic.name(),
                        new Measured(found + " partitions", topic.partitions() + " partitions"),
                        "has %d partitions, but the file declares %d; the number is fixed when a topic is created"
                                .formatted(found, topic.partitions()),
                        Remedy.inFile("kafka: {partitions: " + found + "}"));
            }
        }
        return findings.orOk("topics", "have or get the declared number of partitions");
    }

    /// A new topic gets the settings that Millrace needs; an existing one may have others.
    private static List<Finding> settings(Broker broker, List<TopicSpec> present, String servers) {
        Findings findings = new Findings(CheckName.KAFKA_TOPIC_SETTINGS);
        for (TopicSpec topic : present) {
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
                                            set(
                                                    servers,
                                                    topic.name(),
                                                    name + "=" + topic.config().get(name))));
        }
        return findings.orOk("topics", "have or get the settings that the log needs");
    }

    private static Remedy set(String servers, String topic, String setting) {
        return Remedy.command(
                "kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s"
                        .formatted(servers, topic, setting));
    }

    /// The cluster may refuse the name, the settings or the user. It is asked without an effect.
    private static List<Finding> creation(Broker broker, List<TopicSpec> missing) {
        Findings findings = new Findings(CheckName.KAFKA_CREATION);
        for (TopicSpec topic : missing) {
            broker.refusal(topic)
                    .ifPresent(
                            why ->
                                    findings.refuse(
                                            "topic " + topic.name(),
                                            "cannot be created: " + why,
                                            Remedy.byHand(
                                                    "Grant the user Create on topics whose names"
                                                            + " begin with millrace., or delete the topic"
                                                            + " that the message names.")));
        }
        return findings.orOk("topics", "exist or can be created");
    }

    /// Missing topics are created with the cluster's defaults.
    private static List<Finding> replication(
            Broker broker, List<TopicSpec> present, List<TopicSpec> missing) {
        Findings findings = new Findings(CheckName.KAFKA_REPLICATION);
        for (TopicSpec topic : present) {
            judge("topic " + topic.name(), broker.replication(topic.name()), findings);
        }
        if (!missing.isEmpty()) {
            Set<String> names = new TreeSet<>();
            missing.forEach(topic -> names.add(topic.name()));
            String object = "topics to create: " + String.join(", ", names);
            try {
                judge(object, broker.defaultReplication(), findings);
            } catch (BrokerException e) {
                findings.warn(
                        object,
                        "the brokers' defaults cannot be read: " + e.getMessage(),
                        Remedy.byHand(
                                "Grant DescribeConfigs on the cluster, or check"
                                        + " default.replication.factor and min.insync.replicas"
                                        + " yourself."));
            }
        }
        return findings.orOk("topics", "keep each record on several brokers");
    }

    private static void judge(String object, Broker.Replication replication, Findings findings) {
        String numbers =
                replication.replicas()
                        + (replication.replicas() == 1 ? " replica" : " replicas")
                        + " and min.insync.replicas="
                        + replication.required();
        Measured measured = new Measured(numbers, "3 replicas and min.insync.replicas=2");
        if (!replication.acceptsWrites()) {
            findings.refuse(
                    object,
                    measured,
                    "has " + numbers + ", so no write can succeed",
                    Remedy.byHand(
                            "Add replicas (kafka-reassign-partitions.sh, or"
                                    + " default.replication.factor of the brokers), or lower"
                                    + " min.insync.replicas."));
        } else if (replication.replicas() == 1) {
            findings.warn(
                    object,
                    measured,
                    numbers
                            + ": if that broker's disk is lost, the log is lost and the"
                            + " migration must start over",
                    Remedy.byHand("Use 3 replicas and min.insync.replicas=2, except for a trial."));
        } else if (replication.required() == 1) {
            findings.warn(
                    object,
                    measured,
                    numbers
                            + ": an acknowledged record may be on one disk only; if it is lost,"
                            + " every row must be read again (millrace rebackfill)",
                    Remedy.byHand("Set min.insync.replicas=2."));
        }
    }

    /// What the backfill writes to the log, against the free space of an embedded broker.
    ///
    /// @param bytes that it writes
    public static List<Finding> logSize(MigrationSpec spec, long bytes) {
        return LogSizeCheck.judge(spec, bytes);
    }

    /// Refuses topics that contain records of a migration that did not start on this target.
    public static List<Finding> foreignRecords(MigrationSpec spec, boolean begun) {
        if (begun || !(spec.kafka() instanceof Kafka.External external)) {
            return List.of();
        }
        TopicPlan plan = TopicPlan.of(new Topics(spec.migration()), external.partitions());
        Findings findings = new Findings(CheckName.KAFKA_TOPICS);
        try (Broker broker = new Broker(ClusterLogin.settings(external))) {
            for (TopicSpec topic : plan.all()) {
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
                                                delete(external.bootstrapServers(), found.name())));
            }
        } catch (BrokerException e) {
            return List.of(
                    Finding.unreachable(
                            CheckName.KAFKA_TOPICS,
                            external.bootstrapServers(),
                            "it is not known whether the topics contain records of another"
                                    + " migration: "
                                    + e.getMessage(),
                            Remedy.byHand(
                                    "Check that the cluster is running, then run plan again.")));
        }
        return findings.orOk("topics", "contain no records of another migration");
    }

    private static Remedy delete(String servers, String topic) {
        return Remedy.command(
                        "kafka-topics.sh --bootstrap-server %s --delete --topic %s"
                                .formatted(servers, topic))
                .note(
                        "If no other migration uses the topic. Otherwise choose another migration"
                                + " name.");
    }
}
