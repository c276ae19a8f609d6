package dev.millrace.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;

class ServersTest {

    @Test
    void aDatabaseDecodesLogically() {
        assertThat(PostgresServer.shared().newDatabase().value("SHOW wal_level"))
                .isEqualTo("logical");
    }

    @Test
    void targetsHaveAControlSchemaOfTheirOwn() {
        TestDatabase first = PostgresServer.shared().newTarget();
        first.execute("TRUNCATE millrace.schema_version");

        TestDatabase second = PostgresServer.shared().newTarget();

        assertThat(second.value("SELECT count(*) > 0 FROM millrace.schema_version")).isEqualTo("t");
    }

    @Test
    void theBrokerAnswers() throws Exception {
        Map<String, Object> config =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        try (Admin admin = Admin.create(config)) {
            assertThat(admin.describeCluster().nodes().get()).hasSize(1);
        }
    }
}
