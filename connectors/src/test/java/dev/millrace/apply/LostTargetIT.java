package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.CutProxy.Wire;
import java.sql.Connection;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The network loses the sessions on the target, and neither side learns it. A batch may take ten
/// minutes, but a lost session is replaced sooner.
class LostTargetIT {

    private static final String ITEM = "CREATE TABLE item (id int PRIMARY KEY, a text)";
    private static final RowSchema SCHEMA = ApplierScenario.rowSchema("item", "id", "a");

    /// A fraction of the time that a batch may take.
    private static final Duration SOON = Duration.ofMinutes(2);

    /// More than the socket buffers of client and proxy.
    private static final int LARGE = 16 << 20;

    private ApplierScenario scenario;
    private CutProxy proxy;
    private TargetApplier applier;

    @BeforeEach
    void start() throws Exception {
        scenario = new ApplierScenario(1, ITEM);
        proxy = CutProxy.before(scenario.database);
        applier =
                scenario.start(
                        watching(Duration.ofMillis(100)),
                        ApplierScenario.sessions(scenario.login.through(proxy)));
        scenario.upsert(0, Row.of(SCHEMA, "1", "before"));
        scenario.awaitApplied();
    }

    @AfterEach
    void close() {
        scenario.close();
        proxy.close();
    }

    private static ApplierSettings.Limits watching(Duration interval) {
        var standard = ApplierSettings.Limits.standard();
        return new ApplierSettings.Limits(
                standard.rows(),
                standard.bytes(),
                standard.readAhead(),
                standard.writers(),
                standard.lockTimeout(),
                standard.silence(),
                standard.idleMove(),
                standard.shapes(),
                interval);
    }

    private void assertApplied(String rows) {
        long watermark = 1 + scenario.stored().partitions().getFirst().watermark().number();
        scenario.watermark(watermark);
        scenario.awaitApplied(watermark, SOON);
        assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo(rows);
    }

    @Test
    void lostIdleSessionsAreReplacedSoon() {
        proxy.wire().lose();
        scenario.upsert(0, Row.of(SCHEMA, "2", "after"));

        assertApplied("2");
    }

    /// The rest of a large row stays in the client, which waits for room in its buffer.
    @Test
    void aSessionThatIsLostWhileRowsAreSentIsReplacedSoon() {
        Wire wire = proxy.wire();
        wire.clogAfter(1 << 20);
        scenario.upsert(0, Row.of(SCHEMA, "2", "x".repeat(LARGE)));
        Awaitility.await().atMost(SOON).until(wire::hasClogged);

        assertApplied("2");
    }

    @Test
    void aSessionThatIsLostWhileTheTargetWritesRowsIsReplacedSoon() throws Exception {
        try (Connection lock = lockTable()) {
            scenario.upsert(0, Row.of(SCHEMA, "2", "after"));
            awaitBlocked();
            proxy.wire().lose();
            lock.commit();
        }

        assertApplied("2");
    }

    @Test
    void aTargetThatIsLostWhileItWritesRowsIsReportedAndUsedAgain() throws Exception {
        try (Connection lock = lockTable()) {
            scenario.upsert(0, Row.of(SCHEMA, "2", "after"));
            awaitBlocked();
            proxy.wire().lose();
            proxy.refuse();
            lock.commit();
            Awaitility.await().atMost(SOON).until(() -> applier.state().text().contains("08001"));
            proxy.resume();
        }

        assertApplied("2");
    }

    private Connection lockTable() throws Exception {
        Connection connection = scenario.database.connect();
        connection.setAutoCommit(false);
        try (var statement = connection.createStatement()) {
            statement.execute("LOCK TABLE item");
        }
        return connection;
    }

    private void awaitBlocked() {
        Awaitility.await()
                .until(
                        () ->
                                !scenario.database
                                        .query(
                                                "SELECT 1 FROM pg_locks WHERE NOT granted AND"
                                                        + " relation = 'item'::regclass")
                                        .isEmpty());
    }
}
