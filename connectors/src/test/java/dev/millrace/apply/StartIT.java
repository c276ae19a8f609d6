package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.EmbeddedBroker;
import dev.millrace.kafka.OpenBroker;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.Waits;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An applier refuses to start when it would lose or repeat changes, and names the reason.
class StartIT {

    private static final String ITEM = "CREATE TABLE item (id int PRIMARY KEY, v text)";
    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "v");

    private static final String WAITING =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                    + " wait_event_type = 'Lock'";

    private static String failure(ApplierScenario scenario, TargetApplier applier) {
        scenario.awaitState(applier, ComponentState.Failed.class);
        return applier.state().text();
    }

    @Test
    void failsWithoutStoredOffsets() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.database.execute("DELETE FROM millrace.stored_offset");

            assertThat(failure(scenario, scenario.start())).contains("no stored offsets");
        }
    }

    @Test
    void doesNotApplyAnotherGeneration() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.begin(ApplierScenario.GENERATION + 1);
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));

            assertThat(failure(scenario, scenario.start())).contains("at generation 4");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("0");
        }
    }

    @Test
    void newGenerationEndsTheApplierOfTheOldOne() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            TargetApplier applier = scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));
            scenario.awaitApplied();
            scenario.begin(ApplierScenario.GENERATION + 1);
            scenario.upsert(0, Row.of(ROW_SCHEMA, "2", "x"));

            assertThat(failure(scenario, applier)).contains("at generation 4");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("1");
        }
    }

    @Test
    void recognisesAGenerationThatBeginsAtTheSameOffset() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            TargetApplier applier = scenario.start();
            scenario.awaitState(applier, ComponentState.Running.class);
            scenario.begin(ApplierScenario.GENERATION + 1);
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));

            assertThat(failure(scenario, applier)).contains("at generation 4");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("0");
        }
    }

    @Test
    void writerThatWaitsForANewGenerationFindsItsOffsetReplaced() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                Connection beginning = scenario.login.connect()) {
            TargetApplier applier = scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));
            scenario.awaitApplied();
            beginning.setAutoCommit(false);
            scenario.begin(beginning, ApplierScenario.GENERATION + 1);
            beginning.createStatement().execute("DELETE FROM item");
            scenario.upsert(0, Row.of(ROW_SCHEMA, "2", "x"));
            scenario.awaitSent();
            Awaitility.await()
                    .atMost(ApplierScenario.TIMEOUT)
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> "1".equals(scenario.database.value(WAITING)));
            beginning.commit();

            assertThat(failure(scenario, applier)).contains("at generation 4");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("0");
        }
    }

    @Test
    void refusesATopicThatWasCreatedAgain() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.database.execute(
                    "UPDATE millrace.stored_offset SET topic_id = 'AAAAAAAAAAAAAAAAAAAAAQ'");

            assertThat(failure(scenario, scenario.start())).contains("was created again");
        }
    }

    @Test
    void refusesAnotherNumberOfPartitions() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM)) {
            scenario.database.execute("DELETE FROM millrace.stored_offset WHERE partition = 1");

            assertThat(failure(scenario, scenario.start())).contains("has 2 partitions");
        }
    }

    @Test
    void namesAPartitionWithoutStoredOffset() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM)) {
            scenario.database.execute(
                    "UPDATE millrace.stored_offset SET partition = 2 WHERE partition = 1");

            assertThat(failure(scenario, scenario.start()))
                    .contains("no stored offset of partition 1");
        }
    }

    @Test
    void refusesAnOffsetAfterTheEndOfTheLog() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.database.execute("UPDATE millrace.stored_offset SET next_offset = 10000");

            assertThat(failure(scenario, scenario.start())).contains("re-backfill required");
        }
    }

    @Test
    void namesRecordsThatWereDeletedUnread() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));
            scenario.awaitSent();
            try (Broker broker =
                    new Broker(
                            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()))) {
                broker.deleteRecords(scenario.topics.target(), 1);
            }
            scenario.upsert(0, Row.of(ROW_SCHEMA, "2", "x"));

            assertThat(failure(scenario, scenario.start()))
                    .contains("were deleted unread", "re-backfill required");
        }
    }

    @Test
    void doesNotSkipARecordThatCannotBeDecoded() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));
            scenario.sendRaw(0, new byte[] {99, 1});
            scenario.upsert(0, Row.of(ROW_SCHEMA, "2", "x"));
            scenario.awaitSent();

            assertThat(failure(scenario, scenario.start()))
                    .contains("Offset 1 of partition 0")
                    .contains("format 99");
            assertThat(scenario.stored().partitions().getFirst().nextOffset())
                    .isLessThanOrEqualTo(1);
        }
    }

    @Test
    void doesNotSkipARecordWithoutAValue() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.sendRaw(0, null);

            assertThat(failure(scenario, scenario.start())).contains("has no value");
        }
    }

    @Test
    void waitsForAnUnavailableBrokerAndNamesIt(@TempDir Path folder) throws Exception {
        EmbeddedBroker broker = OpenBroker.start(folder);
        int port = Integer.parseInt(broker.bootstrapServers().split(":", -1)[1]);
        try (var scenario = new ApplierScenario(broker.bootstrapServers(), 1, ITEM)) {
            TargetApplier applier = scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "x"));
            scenario.awaitApplied();

            broker.close();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> applier.state() instanceof ComponentState.Waiting);
            assertThat(((ComponentState.Waiting) applier.state()).reason()).contains("Kafka");

            broker = OpenBroker.start(folder, port);
            scenario.upsert(0, Row.of(ROW_SCHEMA, "2", "x"));
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2");
            scenario.awaitState(applier, ComponentState.Running.class);
        } finally {
            broker.close();
        }
    }

    @Test
    void applierThatIsClosedBeforeItStartsEnds() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            var applier =
                    new TargetApplier(
                            new ApplierSettings(
                                    scenario.migration,
                                    ApplierScenario.GENERATION,
                                    new TargetTopic(scenario.topics.target(), 1, true),
                                    ReplicaRole.ORIGIN,
                                    OriginUse.IF_PERMITTED,
                                    Map.of("bootstrap.servers", "127.0.0.1:1"),
                                    ApplierSettings.Limits.standard(),
                                    Map.of(),
                                    RejectedLimit.standard()),
                            scenario.sessions(),
                            scenario.gate,
                            InstantSource.system(),
                            RestartPolicy.standard());
            applier.close();

            assertThat(applier.state()).isInstanceOf(ComponentState.Stopped.class);
        }
    }
}
