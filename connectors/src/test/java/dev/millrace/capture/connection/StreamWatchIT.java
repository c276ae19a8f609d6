package dev.millrace.capture.connection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class StreamWatchIT {

    private static final Duration INTERVAL = Duration.ofMillis(20);
    private static final int SOME = 5;

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final String slot = "watched_" + source.name();
    private final AtomicInteger checks = new AtomicInteger();
    private final List<SQLException> lost = new CopyOnWriteArrayList<>();

    private StreamWatch.Sessions sessions() {
        return () -> {
            checks.incrementAndGet();
            return source.connect();
        };
    }

    private void createUnusedSlot() {
        source.query("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
    }

    private void dropSlot() {
        source.query("SELECT pg_drop_replication_slot('" + slot + "')");
    }

    @Test
    void aSlotThatNobodyUsesIsReportedOnce() throws Exception {
        createUnusedSlot();
        try (var _ = StreamWatch.start(sessions(), slot, INTERVAL, () -> true, lost::add)) {
            Awaitility.await().until(() -> !lost.isEmpty());
        }
        dropSlot();

        assertThat(lost).hasSize(1);
        assertThat(checks).as("one check is not enough").hasValueGreaterThanOrEqualTo(2);
    }

    @Test
    void aRunThatDoesNotStreamYetIsNotWatched() throws Exception {
        createUnusedSlot();
        AtomicInteger asked = new AtomicInteger();
        try (var _ =
                StreamWatch.start(
                        sessions(), slot, INTERVAL, () -> asked.incrementAndGet() < 0, lost::add)) {
            Awaitility.await().until(() -> asked.get() > SOME);
        }
        dropSlot();

        assertThat(lost).isEmpty();
        assertThat(checks).hasValue(0);
    }

    /// Others report it.
    @Test
    void aSlotThatIsGoneIsNotALostConnection() throws Exception {
        try (var _ = StreamWatch.start(sessions(), slot, INTERVAL, () -> true, lost::add)) {
            Awaitility.await().until(() -> checks.get() > SOME);
        }

        assertThat(lost).isEmpty();
    }

    @Test
    void aSourceThatRefusesTheSessionIsNotALostConnection() throws Exception {
        StreamWatch.Sessions refused =
                () -> {
                    checks.incrementAndGet();
                    throw new SQLException("too many connections", "53300");
                };
        try (var _ = StreamWatch.start(refused, slot, INTERVAL, () -> true, lost::add)) {
            Awaitility.await().until(() -> checks.get() > SOME);
        }

        assertThat(lost).isEmpty();
    }

    /// Between the end of a connection and the next one, a slot is unused for a moment.
    @Test
    void oneUnusedMomentIsNotALostConnection() throws Exception {
        createUnusedSlot();
        AtomicInteger asked = new AtomicInteger();
        try (var _ =
                StreamWatch.start(
                        sessions(),
                        slot,
                        INTERVAL,
                        () -> asked.getAndIncrement() % 2 == 0,
                        lost::add)) {
            Awaitility.await().until(() -> checks.get() > SOME);
        }
        dropSlot();

        assertThat(lost).isEmpty();
    }
}
