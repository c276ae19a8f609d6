package dev.millrace.preflight.kafka;

import dev.millrace.change.Topics;
import dev.millrace.kafka.BrokerException;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.kafka.access.ClusterLogin;
import dev.millrace.kafka.access.StreamAccess;
import dev.millrace.kafka.access.StreamAccess.Lacking;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.Login;
import dev.millrace.stream.Direction;
import dev.millrace.tls.TlsFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.AuthenticationException;

/// Checks that the user of an external cluster may do what the streams of a migration need, and
/// names why the cluster refuses a connection.
final class KafkaAccessCheck {

    private KafkaAccessCheck() {}

    /// @throws BrokerException if the cluster does not answer
    static List<Finding> judge(String migration, Kafka.External kafka) {
        try (StreamAccess access = new StreamAccess(ClusterLogin.settings(kafka))) {
            List<Finding> found = new ArrayList<>(cluster(access, kafka));
            found.addAll(stream(access, Direction.FORWARD, migration, kafka));
            found.addAll(stream(access, Direction.REVERSE, migration, kafka));
            return found;
        }
    }

    /// Only figures depend on it.
    private static List<Finding> cluster(StreamAccess access, Kafka.External kafka) {
        Set<AclOperation> lacking = access.lackingOfCluster();
        return lacking.isEmpty()
                ? List.of()
                : List.of(
                        Finding.warning(
                                CheckName.KAFKA_PRIVILEGES,
                                "cluster",
                                "the user may not "
                                        + words(lacking)
                                        + ", so the disk use of the topics and the brokers'"
                                        + " defaults stay unknown",
                                Remedy.command(acls(kafka, lacking) + " --cluster")));
    }

    /// A way back is needed only after a switchover.
    private static List<Finding> stream(
            StreamAccess access, Direction direction, String migration, Kafka.External kafka) {
        boolean forward = direction == Direction.FORWARD;
        Findings findings =
                new Findings(forward ? CheckName.KAFKA_PRIVILEGES : CheckName.SWITCHOVER_KAFKA);
        Topics topics = new Topics(direction.id(migration));
        String prefix = topics.prefix();
        for (Lacking lacking : access.lacking(topics, TopicPlan.of(topics, kafka.partitions()))) {
            String object = lacking.resource() + " " + lacking.name();
            String message = "the user may not " + words(lacking.operations());
            Remedy remedy = grant(kafka, lacking, prefix);
            if (forward) {
                findings.refuse(object, message, remedy);
            } else {
                findings.warn(object, message + ", which the way back needs", remedy);
            }
        }
        return findings.orOk("topics and groups " + prefix + "*", "the user may use them");
    }

    private static String words(Set<AclOperation> operations) {
        return operations.stream()
                .map(AclOperation::name)
                .sorted()
                .collect(Collectors.joining(", "));
    }

    private static Remedy grant(Kafka.External kafka, Lacking lacking, String prefix) {
        return Remedy.command(
                "%s --%s %s --resource-pattern-type prefixed"
                        .formatted(acls(kafka, lacking.operations()), lacking.resource(), prefix));
    }

    private static String acls(Kafka.External kafka, Set<AclOperation> operations) {
        return "kafka-acls.sh --bootstrap-server %s --add --allow-principal User:%s %s"
                .formatted(
                        kafka.bootstrapServers(),
                        kafka.login().map(Login::username).orElse("NAME"),
                        operations.stream()
                                .map(operation -> "--operation " + name(operation))
                                .sorted()
                                .collect(Collectors.joining(" ")));
    }

    private static String name(AclOperation operation) {
        return Stream.of(operation.name().split("_"))
                .map(word -> word.charAt(0) + word.substring(1).toLowerCase(Locale.ROOT))
                .collect(Collectors.joining());
    }

    /// Why the cluster does not answer.
    static Finding failed(Kafka.External kafka, BrokerException failure) {
        Optional<TlsFailure> tls = TlsFailure.of(failure);
        if (tls.isPresent()) {
            return Finding.misconfigured(
                    CheckName.KAFKA_REACHABLE,
                    kafka.bootstrapServers(),
                    tls.get().what(),
                    Remedy.byHand(
                            tls.get()
                                    .remedy(
                                            "kafka.bootstrap-servers",
                                            "ssl.truststore.location in kafka.properties")));
        }
        if (failure.getCause() instanceof AuthenticationException) {
            return Finding.misconfigured(
                    CheckName.KAFKA_REACHABLE,
                    kafka.bootstrapServers(),
                    "refuses the login: " + failure.getMessage(),
                    Remedy.byHand(
                            "Check kafka.username and the password, and the user's SCRAM"
                                    + " credentials: kafka-configs.sh --describe --entity-type"
                                    + " users."));
        }
        return Finding.unreachable(
                CheckName.KAFKA_REACHABLE,
                kafka.bootstrapServers(),
                String.valueOf(failure.getMessage()),
                Remedy.byHand(
                        "Check that the cluster is running, and check kafka.bootstrap-servers and"
                                + " kafka.properties."));
    }
}
