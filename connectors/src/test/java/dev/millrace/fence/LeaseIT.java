package dev.millrace.fence;

import static dev.millrace.fence.FenceScene.assertRefused;
import static dev.millrace.fence.FenceScene.epoch;
import static dev.millrace.fence.FenceScene.notTaken;
import static dev.millrace.fence.FenceScene.run;
import static dev.millrace.fence.FenceScene.taken;
import static dev.millrace.fence.FenceScene.tryOut;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.fence.WriteFence.Limits;
import dev.millrace.postgres.Database;
import dev.millrace.testing.CutProxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Who may change the lease, and what its expiry means, on a real server.
@Timeout(900)
class LeaseIT {

    /// Longer than a slow machine needs for a new session.
    private static final Duration SHORT = Duration.ofSeconds(2);

    @Test
    void anExpiredLeaseGivesTheTablesBack() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            long epoch = scene.closed(SHORT);
            assertRefused(() -> tryOut(scene.app, "UPDATE plain SET v = 2"));
            scene.awaitClock(scene.expiry());

            tryOut(scene.app, "UPDATE plain SET v = 2", "INSERT INTO leaf VALUES (3, 3)");
            assertThat(scene.fence.read()).isEqualTo(new Lease.Expired(epoch));
            notTaken(scene.fence.renew(epoch, FenceScene.LONG));
            notTaken(scene.fence.makePermanent(epoch));
            tryOut(scene.app, "UPDATE plain SET v = 2");
            assertThat(epoch(taken(scene.fence.close(FenceScene.LONG)))).isEqualTo(epoch + 1);
        }
    }

    @Test
    void aRenewedLeaseLastsLonger() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            long epoch = scene.closed(Duration.ofSeconds(2));
            String expiry = scene.expiry();
            Lease renewed = taken(scene.fence.renew(epoch, FenceScene.LONG));
            assertThat(((Lease.Leased) renewed).remaining()).isGreaterThan(Duration.ofMinutes(4));
            taken(scene.fence.renew(epoch, SHORT));
            scene.awaitClock(expiry);
            assertRefused(() -> tryOut(scene.app, "UPDATE plain SET v = 2"));
        }
    }

    @Test
    void aPermanentLeaseNeverExpiresAndIsNotLifted() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            long epoch = scene.closed(Duration.ofSeconds(2));
            String expiry = scene.expiry();
            assertThat(taken(scene.fence.makePermanent(epoch)))
                    .isEqualTo(new Lease.Permanent(epoch));
            scene.awaitClock(expiry);

            notTaken(scene.fence.lift(epoch));
            notTaken(scene.fence.renew(epoch, SHORT));
            notTaken(scene.fence.close(SHORT));
            notTaken(scene.fence.closePermanently());
            assertThat(scene.fence.read()).isEqualTo(new Lease.Permanent(epoch));
            assertRefused(() -> tryOut(scene.app, "UPDATE plain SET v = 2"));
        }
    }

    @Test
    void aTargetIsClosedFromTheFirstRunAndOpenedOnce() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            assertThat(scene.fence.read()).isEqualTo(new Lease.Absent());
            assertThat(taken(scene.fence.closePermanently())).isEqualTo(new Lease.Permanent(1));
            notTaken(scene.fence.closePermanently());
            assertRefused(() -> tryOut(scene.app, "UPDATE plain SET v = 2"));

            assertThat(taken(scene.fence.open(1))).isEqualTo(new Lease.Open(2));
            notTaken(scene.fence.open(1));
            // A restart of the service.
            notTaken(scene.fence.closePermanently());
            tryOut(scene.app, "UPDATE plain SET v = 2");
            // The rollback.
            assertThat(scene.closed()).isEqualTo(3);
        }
    }

    @Test
    void aControllerWithAnOlderEpochChangesNothing() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                WriteFence second = scene.another()) {
            long old = scene.closed(SHORT);
            notTaken(second.close(FenceScene.LONG));
            scene.awaitClock(scene.expiry());
            long epoch = epoch(taken(second.close(FenceScene.LONG)));

            notTaken(scene.fence.renew(old, FenceScene.LONG));
            notTaken(scene.fence.makePermanent(old));
            notTaken(scene.fence.lift(old));
            notTaken(scene.fence.close(FenceScene.LONG));
            assertThat(second.read()).isInstanceOf(Lease.Leased.class);
            taken(second.makePermanent(epoch));
            notTaken(scene.fence.open(old));
            notTaken(scene.fence.lift(old));
            assertRefused(() -> tryOut(scene.app, "UPDATE plain SET v = 2"));
        }
    }

    @Test
    void afterALiftTheOldEpochIsOver() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            long epoch = scene.closed();
            assertThat(taken(scene.fence.lift(epoch))).isEqualTo(new Lease.Open(epoch + 1));
            notTaken(scene.fence.makePermanent(epoch));
            notTaken(scene.fence.renew(epoch, FenceScene.LONG));
            notTaken(scene.fence.open(epoch));
            tryOut(scene.app, "UPDATE plain SET v = 2");
        }
    }

    @Test
    void oneOfManyControllersClosesTheFence() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            AtomicInteger taken = new AtomicInteger();
            CompletableFuture<?>[] controllers = new CompletableFuture<?>[6];
            for (int i = 0; i < controllers.length; i++) {
                controllers[i] =
                        CompletableFuture.runAsync(
                                () -> {
                                    try (WriteFence one = scene.another()) {
                                        if (one.close(FenceScene.LONG)
                                                instanceof Lease.Change.Taken) {
                                            taken.incrementAndGet();
                                        }
                                    } catch (SQLException | InterruptedException e) {
                                        throw new IllegalStateException(e);
                                    }
                                },
                                Thread::startVirtualThread);
            }
            CompletableFuture.allOf(controllers).join();
            assertThat(taken).hasValue(1);
        }
    }

    /// A renewal is decided before the expiry and committed after it. A write in between must not
    /// pass: it waits for the renewal and is refused.
    @Test
    void aWriteDoesNotPassARenewalThatCommitsAfterTheExpiry() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection controller = scene.millrace.connect()) {
            long epoch = scene.closed(Duration.ofSeconds(1));
            String expiry = scene.expiry();
            controller.setAutoCommit(false);
            run(
                    controller,
                    "SELECT * FROM millrace.change_lease('shop', 'make permanent', "
                            + epoch
                            + ", 0, 'x')");
            scene.awaitClock(expiry);
            CompletableFuture<Void> write =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    tryOut(scene.app, "UPDATE plain SET v = 2");
                                } catch (SQLException e) {
                                    throw new IllegalStateException(e);
                                }
                            },
                            Thread::startVirtualThread);
            Awaitility.await()
                    .until(
                            () ->
                                    write.isDone()
                                            || "1"
                                                    .equals(
                                                            scene.admin.value(
                                                                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = '"
                                                                            + scene.app.name()
                                                                            + "'")));
            controller.commit();
            assertThatThrownBy(write::join).hasMessageContaining("closed for writes");
        }
    }

    /// Its snapshot shows the lease with the old expiry, however long it runs.
    @Test
    void anOldSnapshotDoesNotPassARenewedLease() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            long epoch = scene.closed(Duration.ofSeconds(1));
            String expiry = scene.expiry();
            session.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            session.setAutoCommit(false);
            run(session, "SELECT * FROM plain");
            taken(scene.fence.renew(epoch, FenceScene.LONG));
            scene.awaitClock(expiry);
            assertThatThrownBy(() -> run(session, "UPDATE plain SET v = 2"))
                    .isInstanceOfSatisfying(
                            SQLException.class,
                            e -> assertThat(e.getSQLState()).isEqualTo("40001"));
        }
    }

    /// An abandoned lease must not make the controller's successor wait for the application.
    @Test
    void anOpenTransactionThatPassedAnExpiredLeaseDelaysNoChange() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            long epoch = scene.closed(SHORT);
            scene.awaitClock(scene.expiry());
            session.setAutoCommit(false);
            run(session, "UPDATE plain SET v = 2");
            notTaken(scene.fence.renew(epoch, FenceScene.LONG));
            notTaken(scene.fence.makePermanent(epoch));
            taken(scene.fence.lift(epoch));
            scene.closed();
            session.commit();
        }
    }

    /// Whatever the moment: a lease that became permanent had no gap, one that did not is open.
    @Test
    void makingPermanentRacesTheExpiry() throws Exception {
        Random random = new Random(11);
        int permanent = 0;
        int expired = 0;
        try (FenceScene scene = new FenceScene().installed()) {
            AtomicBoolean stopped = new AtomicBoolean();
            CompletableFuture<Void> writer =
                    CompletableFuture.runAsync(
                            () -> writeUntil(stopped, scene), Thread::startVirtualThread);
            for (int round = 0; round < 20; round++) {
                long epoch = scene.closed(Duration.ofMillis(400));
                boolean settled =
                        scene.fence.awaitOlder(Duration.ofSeconds(20))
                                instanceof WriteFence.Older.Settled;
                String before = value(scene);
                boolean stillClosed = settled && scene.fence.read().isClosed();
                String moment = scene.expiry();
                // A loaded machine needs tens of milliseconds for the request.
                int micros = random.nextInt(60_000) - 50_000;
                Awaitility.await()
                        .pollDelay(Duration.ZERO)
                        .pollInterval(Duration.ofMillis(1))
                        .until(
                                () ->
                                        "t"
                                                .equals(
                                                        scene.admin.value(
                                                                "SELECT clock_timestamp() > '%s'::timestamptz + interval '%d microseconds'"
                                                                        .formatted(
                                                                                moment, micros))));
                if (scene.fence.makePermanent(epoch) instanceof Lease.Change.Taken) {
                    permanent++;
                    if (stillClosed) {
                        assertThat(value(scene)).isEqualTo(before);
                    }
                    taken(scene.fence.open(epoch));
                } else {
                    expired++;
                    taken(scene.fence.lift(epoch));
                }
                Awaitility.await()
                        .pollInterval(Duration.ofMillis(2))
                        .until(() -> !value(scene).equals(before));
            }
            stopped.set(true);
            writer.join();
        }
        assertThat(permanent).isPositive();
        assertThat(expired).isPositive();
    }

    private static String value(FenceScene scene) {
        return String.valueOf(scene.admin.value("SELECT v FROM plain"));
    }

    private static void writeUntil(AtomicBoolean stopped, FenceScene scene) {
        try (Connection session = scene.app.connect()) {
            while (!stopped.get()) {
                try {
                    run(session, "UPDATE plain SET v = v + 1");
                } catch (SQLException e) {
                    assertThat(e.getSQLState()).isEqualTo("25006");
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aChangeIsMadeOnceHoweverOftenItIsSent() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            String close = "SELECT * FROM millrace.change_lease('shop', 'close', 0, 300, 'same')";
            scene.millrace.database().execute(close, close);
            assertThat(scene.millrace.database().query(close).getFirst().getFirst()).isEqualTo("t");
            assertThat(scene.admin.value("SELECT count(*) FROM millrace.lease")).isEqualTo("1");
        }
    }

    /// The server executes the change and the reply is lost.
    @Test
    void aChangeWhoseReplyIsLostIsSettled() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                CutProxy proxy = CutProxy.before(scene.admin)) {
            try (Database database = scene.millrace.through(proxy).database("shop");
                    WriteFence fence =
                            new WriteFence(
                                    database, "shop", FenceScene.TABLES, FenceScene.LIMITS)) {
                proxy.cutAfterSending("change_lease");
                long epoch = epoch(taken(fence.close(FenceScene.LONG)));
                assertThat(proxy.hasCut()).isTrue();
                assertThat(epoch).isEqualTo(1);
                proxy.cutAfterSending("change_lease");
                assertThat(taken(fence.makePermanent(epoch))).isEqualTo(new Lease.Permanent(epoch));
                assertThat(proxy.hasCut()).isTrue();

                proxy.refuse();
                assertThat(fence.open(epoch)).isInstanceOf(Lease.Change.Unknown.class);
                assertThatThrownBy(fence::read).isInstanceOf(SQLException.class);
            }
            assertThat(scene.fence.read()).isEqualTo(new Lease.Permanent(1));
        }
    }

    @Test
    void aDatabaseThatDoesNotAnswerIsReportedInTime() throws Exception {
        Limits hasty =
                new Limits(
                        Duration.ofMillis(300),
                        Duration.ofMillis(5),
                        Duration.ofSeconds(20),
                        Duration.ofMillis(500));
        try (FenceScene scene = new FenceScene().installed();
                CutProxy proxy = CutProxy.before(scene.admin)) {
            try (Database database = scene.millrace.through(proxy).database("shop");
                    WriteFence fence = new WriteFence(database, "shop", FenceScene.TABLES, hasty)) {
                long epoch = epoch(taken(fence.close(FenceScene.LONG)));
                proxy.freeze();
                long began = System.nanoTime();
                assertThat(fence.makePermanent(epoch)).isInstanceOf(Lease.Change.Unknown.class);
                assertThat(Duration.ofNanos(System.nanoTime() - began))
                        .isLessThan(Duration.ofSeconds(25));
                proxy.resume();
                // Whatever became of the change: it is permanent now, and one epoch.
                fence.makePermanent(epoch);
                assertThat(fence.read()).isEqualTo(new Lease.Permanent(epoch));
            }
        }
    }

    @Test
    void theLeaseIsRenewedWhileOlderTransactionsAreAwaited() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            session.setAutoCommit(false);
            run(session, "UPDATE plain SET v = 2");
            long epoch = scene.closed();
            CompletableFuture<WriteFence.Older> waiting =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return scene.fence.awaitOlder(Duration.ofSeconds(20));
                                } catch (SQLException | InterruptedException e) {
                                    throw new IllegalStateException(e);
                                }
                            },
                            Thread::startVirtualThread);
            taken(scene.fence.renew(epoch, FenceScene.LONG));
            assertThat(waiting).isNotDone();
            session.commit();
            assertThat(waiting.join()).isEqualTo(new WriteFence.Older.Settled());
        }
    }

    @Test
    void aLostSessionIsReplaced() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            long epoch = scene.closed();
            scene.admin.query(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'millrace shop lease'");
            assertThat(taken(scene.fence.makePermanent(epoch)))
                    .isEqualTo(new Lease.Permanent(epoch));
        }
    }
}
