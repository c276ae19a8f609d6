package dev.millrace.preflight;

import dev.millrace.broker.Broker;
import dev.millrace.broker.BrokerException;
import dev.millrace.broker.TopicPlan;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.streams.Topics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Whether Kafka answers, and topics that are there have the number of partitions they were
/// declared with. Makes no topic.
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
        Map<String, Object> settings = new HashMap<>(kafka.properties());
        settings.put("bootstrap.servers", kafka.bootstrapServers());
        TopicPlan plan = TopicPlan.of(new Topics(migration), kafka.partitions());
        Findings findings = new Findings(REACHABLE);
        try (Broker broker = new Broker(settings)) {
            for (Broker.TopicSpec topic : List.of(plan.changes(), plan.target(), plan.position())) {
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
        } catch (BrokerException e) {
            return List.of(unreachable(kafka, String.valueOf(e.getMessage())));
        }
        return findings.orOk(kafka.bootstrapServers(), "answers");
    }

    private static Finding unreachable(Kafka.External kafka, String why) {
        return Finding.unreachable(
                REACHABLE,
                kafka.bootstrapServers(),
                why,
                "is it running, and do kafka.bootstrap-servers and kafka.properties name it right?");
    }
}
