package dev.millrace.capture.connection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.connection.StreamWatch.Use;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.postgres.watch.ConnectionWatch.Sessions;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

class StreamWatchIT {

    private static final Duration INTERVAL = Duration.ofMillis(20);
    private static final int SOME = 5;
    private static final int CHECKS_OF_A_START = 24;

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.capture("m", source);
    private final String slot = "watched_" + source.name();
    private final AtomicInteger checks = new AtomicInteger();
    private final List<SQLException> lost = new CopyOnWriteArrayList<>();

    private Sessions sessions() {
        return () -> {
            checks.incrementAndGet();
            return login.connect();
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
        try (var _ =
                StreamWatch.start(sessions(), slot, INTERVAL, () -> Use.STREAMING, lost::add)) {
            Awaitility.await().until(() -> !lost.isEmpty());
        }
        dropSlot();

        assertThat(lost).hasSize(1);
        assertThat(checks).as("one check is not enough").hasValueGreaterThanOrEqualTo(2);
    }

    @Test
    void aRunThatTakesASnapshotIsNotWatched() throws Exception {
        createUnusedSlot();
        AtomicInteger asked = new AtomicInteger();
        try (var _ =
                StreamWatch.start(
                        sessions(),
                        slot,
                        INTERVAL,
                        () -> {
                            asked.incrementAndGet();
                            return Use.NONE;
                        },
                        lost::add)) {
            Awaitility.await().until(() -> asked.get() > SOME);
        }
        dropSlot();

        assertThat(lost).isEmpty();
        assertThat(checks).hasValue(0);
    }

    /// Others report it.
    @Test
    void aSlotThatIsGoneIsNotALostConnection() throws Exception {
        try (var _ =
                StreamWatch.start(sessions(), slot, INTERVAL, () -> Use.STREAMING, lost::add)) {
            Awaitility.await().until(() -> checks.get() > SOME);
        }

        assertThat(lost).isEmpty();
    }

    @Test
    void aSourceThatRefusesTheSessionIsNotALostConnection() throws Exception {
        Sessions refused =
                () -> {
                    checks.incrementAndGet();
                    throw new SQLException("too many connections", "53300");
                };
        try (var _ = StreamWatch.start(refused, slot, INTERVAL, () -> Use.STREAMING, lost::add)) {
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
                        () -> asked.getAndIncrement() % 2 == 0 ? Use.STREAMING : Use.NONE,
                        lost::add)) {
            Awaitility.await().until(() -> checks.get() > SOME);
        }
        dropSlot();

        assertThat(lost).isEmpty();
    }

    /// The engine reads the catalog before it uses the slot.
    @Test
    void aRunThatStartsHasTwoMinutesToUseTheSlot() {
        createUnusedSlot();
        try (var _ = StreamWatch.start(sessions(), slot, INTERVAL, () -> Use.STARTING, lost::add)) {
            Awaitility.await().until(() -> !lost.isEmpty());
        }
        dropSlot();

        assertThat(lost).hasSize(1);
        assertThat(checks).hasValue(CHECKS_OF_A_START);
    }

    @Test
    void anotherSessionOnTheSlotIsReported() throws Exception {
        createUnusedSlot();
        AtomicReference<Use> use = new AtomicReference<>(Use.STREAMING);
        Connection own = stream();
        try (var _ = StreamWatch.start(sessions(), slot, INTERVAL, use::get, lost::add)) {
            Awaitility.await().until(() -> checks.get() > SOME);
            assertThat(lost).isEmpty();

            use.set(Use.NONE);
            own.close();
            Connection other =
                    Awaitility.await().ignoreExceptions().until(this::stream, Objects::nonNull);
            use.set(Use.STREAMING);
            Awaitility.await().until(() -> !lost.isEmpty());
            other.close();
        }
        Awaitility.await().ignoreExceptions().untilAsserted(this::dropSlot);

        assertThat(lost.getFirst().getMessage()).contains("Another session");
    }

    private Connection stream() throws SQLException {
        Connection connection =
                new SessionFactory("test", source.url(), login.name(), GrantedLogins.PASSWORD)
                        .openReplication("stream");
        connection
                .unwrap(PGConnection.class)
                .getReplicationAPI()
                .replicationStream()
                .logical()
                .withSlotName(slot)
                .withSlotOption("proto_version", 1)
                .withSlotOption("publication_names", "none")
                .start();
        return connection;
    }
}
