package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.throttle.Throttle.Limit;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A closed gate ends what apply does on the target, and lets nothing begin. Nothing is lost.
@Timeout(600)
class PausedApplyIT {

    private static final String ITEM = "CREATE TABLE item (id int PRIMARY KEY, v text)";
    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "v");

    /// A transaction that would take minutes.
    private static final String[] SLOW = {
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM"
                + " pg_sleep(300); RETURN NEW; END'",
        "CREATE TRIGGER slow BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION slow()",
        "ALTER TABLE item ENABLE ALWAYS TRIGGER slow"
    };

    private static final String IN_TRANSACTION =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <>"
                    + " pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT"
                    + " NULL";

    private static final String SLEEPING =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                    + " wait_event = 'PgSleep'";

    private static final String COUNT = "SELECT count(*) FROM item";

    @Test
    void aTransactionThatIsUnderWayIsRolledBackAndAppliedLater() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM)) {
            scenario.database.execute(SLOW);
            TargetApplier applier = scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "a"));
            scenario.upsert(1, Row.of(ROW_SCHEMA, "2", "b"));
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> "2".equals(scenario.database.value(SLEEPING)));

            scenario.gate.close();
            assertThat(scenario.gate.end(Duration.ofMillis(100))).isEmpty();

            assertThat(scenario.database.value(IN_TRANSACTION)).isEqualTo("0");
            assertThat(applier.state()).matches(state -> state.isRunning(Activity.PAUSED));
            scenario.database.execute("DROP TRIGGER slow ON item");
            assertThat(scenario.database.value(COUNT)).isEqualTo("0");
            assertThat(applier.counts().lastError()).isEmpty();

            scenario.gate.open();
            scenario.awaitApplied();
            assertThat(scenario.database.value(COUNT)).isEqualTo("2");
            assertThat(applier.state()).matches(state -> state.isRunning(Activity.APPLYING));
        }
    }

    @Test
    void aTransactionThatCommitsInTimeIsNotEnded() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.database.execute(
                    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM"
                            + " pg_sleep(1); RETURN NEW; END'",
                    SLOW[1],
                    SLOW[2]);
            scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "a"));
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> "1".equals(scenario.database.value(SLEEPING)));

            scenario.gate.close();
            assertThat(scenario.gate.end(ApplierScenario.TIMEOUT)).isEmpty();

            assertThat(scenario.database.value(COUNT)).isEqualTo("1");
        }
    }

    @Test
    void nothingBeginsWhileTheGateIsClosedAndAnApplierStartsBehindIt() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.gate.close();
            TargetApplier applier = scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "a"));

            await().atMost(ApplierScenario.TIMEOUT).until(PausedApplyIT::aWriterWaits);
            assertThat(applier.state()).matches(state -> state.isRunning(Activity.PAUSED));
            await().atMost(ApplierScenario.TIMEOUT)
                    .during(Duration.ofMillis(500))
                    .until(
                            () ->
                                    "0".equals(scenario.database.value(IN_TRANSACTION))
                                            && "0".equals(scenario.database.value(COUNT)));
            scenario.gate.open();

            scenario.awaitApplied();
            assertThat(scenario.database.value(COUNT)).isEqualTo("1");
        }
    }

    /// The first transaction uses up the limit of many seconds.
    @Test
    void theNextTransactionWaitsForTheLimitUntilItIsLifted() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.gate.throttle(Limit.ofBytes(1));
            for (int id = 1; id <= 3; id++) {
                scenario.upsert(0, Row.of(ROW_SCHEMA, String.valueOf(id), "a".repeat(1_000)));
            }
            TargetApplier applier = scenario.start();

            await().atMost(ApplierScenario.TIMEOUT)
                    .during(Duration.ofMillis(500))
                    .until(() -> "1".equals(scenario.database.value(COUNT)));
            assertThat(scenario.gate.rate().rows()).isPositive();
            assertThat(applier.state()).matches(state -> state.isRunning(Activity.APPLYING));
            scenario.gate.throttle(Limit.NONE);

            scenario.awaitApplied();
            assertThat(scenario.database.value(COUNT)).isEqualTo("3");
        }
    }

    /// A condition that is released at once must not roll back what runs again.
    @Test
    void aGateThatIsOpenedAgainEndsNoTransaction() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.database.execute(SLOW);
            scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "a"));
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> "1".equals(scenario.database.value(SLEEPING)));
            scenario.gate.close();
            FutureTask<Optional<String>> end =
                    new FutureTask<>(() -> scenario.gate.end(ApplierScenario.TIMEOUT));
            Thread.ofPlatform().daemon().start(end);
            await().atMost(ApplierScenario.TIMEOUT).until(() -> isIn("endPassages"));

            scenario.gate.open();

            assertThat(end.get()).isEmpty();
            assertThat(scenario.database.value(SLEEPING)).isEqualTo("1");
            scenario.gate.close();
            assertThat(scenario.gate.end(Duration.ZERO)).isEmpty();
        }
    }

    private static boolean aWriterWaits() {
        return isIn("enter");
    }

    private static boolean isIn(String method) {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Stream::of)
                .anyMatch(
                        frame ->
                                frame.getClassName().equals(WriteGate.class.getName())
                                        && frame.getMethodName().equals(method));
    }

    /// The sessions are named, so that nobody else's is ended when a process number is used again.
    @Test
    void onlySessionsOfApplyAreEnded() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                var other = scenario.login.session("other")) {
            scenario.database.execute(SLOW);
            scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "a"));
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> "1".equals(scenario.database.value(SLEEPING)));

            scenario.gate.close();
            assertThat(scenario.gate.end(Duration.ZERO)).isEmpty();

            assertThat(other.isValid(5)).isTrue();
            assertThat(scenario.database.value(IN_TRANSACTION)).isEqualTo("0");
        }
    }

    /// A closed gate has a waiting task; nothing waits for it when the service ends.
    @Test
    void aPausedApplierIsClosedAtOnce() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            TargetApplier applier = scenario.start();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "1", "a"));
            scenario.awaitApplied();
            scenario.gate.close();
            scenario.upsert(0, Row.of(ROW_SCHEMA, "2", "b"));
            await().atMost(ApplierScenario.TIMEOUT).until(PausedApplyIT::aWriterWaits);

            applier.close();

            assertThat(scenario.database.value(COUNT)).isEqualTo("1");
        }
    }
}
