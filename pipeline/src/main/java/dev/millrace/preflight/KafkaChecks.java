package dev.millrace.preflight;

import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.BrokerException;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.preflight.PreflightCheck.Findings;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Whether Kafka answers, and the topics that are there are ours, have the number of partitions
/// they were declared with and lie on enough disks. Makes no topic.
final class KafkaChecks {

    private static final String REACHABLE = "kafka.reachable";

    private KafkaChecks() {}

    static List<Finding> judge(MigrationSpec spec) {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ ->
                    List.of(
                            Finding.ok(
                                    REACHABLE, "embedded broker", "is started with the service"));
            case Kafka.External external -> judge(spec.migration(), external);
        };
    }

    private static List<Finding> judge(String migration, Kafka.External kafka) {
        TopicPlan plan = TopicPlan.of(new Topics(migration), kafka.partitions());
        Findings findings = new Findings(REACHABLE);
        try (Broker broker = new Broker(settings(kafka))) {
            for (Broker.TopicSpec topic : plan.all()) {
                Optional<Broker.Topic> found = broker.find(topic.name());
                found.filter(there -> there.partitions() != topic.partitions())
                        .ifPresent(
                                there ->
                                        findings.refuse(
                                                "topic " + topic.name(),
                                                "has "
                                                        + there.partitions()
                                                        + " partitions, the file says "
                                                        + topic.partitions()
                                                        + ": the number is fixed when topics are"
                                                        + " made",
                                                "write kafka.partitions: " + there.partitions()));
            }
            replication(broker, plan, findings);
        } catch (BrokerException e) {
            return List.of(unreachable(kafka, String.valueOf(e.getMessage())));
        }
        return findings.orOk(kafka.bootstrapServers(), "answers");
    }

    /// Topics that are missing get the cluster's defaults.
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
        String object = "topics to be made: " + String.join(", ", missing);
        try {
            judge(object, broker.defaultReplication(), findings);
        } catch (BrokerException e) {
            findings.warn(
                    object,
                    "the brokers' defaults can't be read: " + e.getMessage(),
                    "grant DescribeConfigs on the cluster, or look at default.replication.factor"
                            + " and min.insync.replicas yourself");
        }
    }

    private static void judge(String object, Broker.Replication replication, Findings findings) {
        String numbers =
                replication.replicas()
                        + (replication.replicas() == 1 ? " replica" : " replicas")
                        + " and min.insync.replicas="
                        + replication.required();
        if (!replication.takesWrites()) {
            findings.refuse(
                    object,
                    numbers + ": no write can succeed",
                    "add replicas (kafka-reassign-partitions.sh; default.replication.factor of the"
                            + " brokers), or lower min.insync.replicas");
        } else if (replication.replicas() == 1) {
            findings.warn(
                    object,
                    numbers
                            + ": if the disk of that broker is lost, so is the log, and the migration"
                            + " must begin again",
                    "use 3 replicas and min.insync.replicas=2, except for a trial");
        } else if (replication.required() == 1) {
            findings.warn(
                    object,
                    numbers
                            + ": an acknowledged record may lie on one disk only, and its loss ends the"
                            + " migration",
                    "set min.insync.replicas=2");
        }
    }

    /// Records of a migration that this target knows nothing of.
    static List<Finding> foreign(MigrationSpec spec, boolean begun) {
        if (begun || !(spec.kafka() instanceof Kafka.External external)) {
            return List.of();
        }
        TopicPlan plan = TopicPlan.of(new Topics(spec.migration()), external.partitions());
        Findings findings = new Findings("kafka.topics");
        try (Broker broker = new Broker(settings(external))) {
            for (Broker.TopicSpec topic : plan.all()) {
                broker.find(topic.name())
                        .filter(broker::holdsRecords)
                        .ifPresent(
                                found ->
                                        findings.refuse(
                                                "topic " + found.name(),
                                                "holds records, but no migration of this name has"
                                                        + " begun on this target: it is another"
                                                        + " migration's, or the target was made anew",
                                                "choose another migration name, or delete the topic if"
                                                        + " no other migration uses it"));
            }
        } catch (BrokerException _) {
            // The check of reachability says it.
            return List.of();
        }
        return findings.orOk("topics", "hold no records of another migration");
    }

    private static Map<String, Object> settings(Kafka.External kafka) {
        Map<String, Object> settings = new HashMap<>(kafka.properties());
        settings.put("bootstrap.servers", kafka.bootstrapServers());
        return settings;
    }

    private static Finding unreachable(Kafka.External kafka, String why) {
        return Finding.unreachable(
                REACHABLE,
                kafka.bootstrapServers(),
                why,
                "is it running, and do kafka.bootstrap-servers and kafka.properties name it right?");
    }
}
