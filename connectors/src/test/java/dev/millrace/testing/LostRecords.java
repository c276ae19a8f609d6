package dev.millrace.testing;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.awaitility.Awaitility;

/// A topic as after the loss of the only disk that held it: the topic is the same, its records are
/// gone.
public final class LostRecords {

    private LostRecords() {}

    /// @param topic compacted, with one partition
    public static void of(Map<String, Object> kafka, String topic) throws Exception {
        try (Admin admin = Admin.create(kafka)) {
            policy(admin, topic, "delete");
            // The broker refuses until it has learned the new policy.
            Awaitility.await()
                    .ignoreExceptionsMatching(
                            refused -> refused.getCause() instanceof PolicyViolationException)
                    .until(() -> isEmptied(admin, topic));
            policy(admin, topic, "compact");
        }
    }

    private static boolean isEmptied(Admin admin, String topic) throws Exception {
        admin.deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(-1)))
                .all()
                .get();
        return true;
    }

    private static void policy(Admin admin, String topic, String policy) throws Exception {
        admin.incrementalAlterConfigs(
                        Map.of(
                                new ConfigResource(ConfigResource.Type.TOPIC, topic),
                                List.of(
                                        new AlterConfigOp(
                                                new ConfigEntry("cleanup.policy", policy),
                                                AlterConfigOp.OpType.SET))))
                .all()
                .get();
    }
}
