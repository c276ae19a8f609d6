package dev.millrace.app;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.app.Http.Answer;
import dev.millrace.approval.Approvals;
import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationHost.ServedMigration;
import dev.millrace.migration.MigrationControl;
import dev.millrace.spec.Secret;
import dev.millrace.testing.Waits;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Tests the service from binding the port to the drain, and which requests it answers meanwhile.
class ServiceLifeIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @Test
    void listensOnOtherAddressesOnlyWithAToken() {
        for (String bind : List.of("0.0.0.0", "::", "10.1.2.3", "no.such.host.invalid")) {
            assertThatThrownBy(
                            () ->
                                    MillraceService.start(
                                            new ServiceAddress(bind, 0, Secret.NONE),
                                            FakeMigration::new))
                    .isInstanceOfSatisfying(
                            CommandFailure.class,
                            failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.USAGE));
        }
    }

    @Test
    void opensNothingWhenThePortIsInUse() throws Exception {
        AtomicBoolean opened = new AtomicBoolean();
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ServiceAddress address =
                    new ServiceAddress("127.0.0.1", other.getLocalPort(), Secret.NONE);

            assertThatThrownBy(
                            () ->
                                    MillraceService.start(
                                            address,
                                            () -> {
                                                opened.set(true);
                                                return new FakeMigration();
                                            }))
                    .isInstanceOfSatisfying(
                            CommandFailure.class,
                            failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.FAILED))
                    .hasMessage("Port %d of 127.0.0.1 is in use.", other.getLocalPort());
        }
        assertThat(opened).isFalse();
    }

    @Test
    void rethrowsAFailedOpeningAndFreesThePort() throws Exception {
        int port = freePort();
        ServiceAddress address = new ServiceAddress("127.0.0.1", port, Secret.NONE);
        Exception reason = new Exception("the source is away");

        assertThatThrownBy(
                        () ->
                                MillraceService.start(
                                        address,
                                        () -> {
                                            throw reason;
                                        }))
                .isSameAs(reason);

        new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();
    }

    @Test
    void isAliveButNotReadyWhileTheMigrationOpens() throws Exception {
        CountDownLatch mayOpen = new CountDownLatch(1);
        int port = freePort();
        CompletableFuture<MillraceService> starting = new CompletableFuture<>();
        Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                starting.complete(
                                        MillraceService.start(
                                                new ServiceAddress("127.0.0.1", port, Secret.NONE),
                                                () -> {
                                                    mayOpen.await();
                                                    return new FakeMigration();
                                                }));
                            } catch (Exception e) {
                                starting.completeExceptionally(e);
                            }
                        });
        Http client = new Http(port);

        Awaitility.await()
                .atMost(Waits.LIMIT)
                .ignoreExceptions()
                .untilAsserted(
                        () ->
                                assertThat(client.get("/actuator/health/liveness").status())
                                        .isEqualTo(200));
        assertThat(client.get("/actuator/health/readiness").status()).isEqualTo(503);
        Answer status = client.get("/api/v1/status");
        assertProblem(status, 503);
        assertThat(status.json().path("state").asString()).isEqualTo("starting");
        assertThat(client.get("/actuator/prometheus").status()).isEqualTo(200);
        mayOpen.countDown();
        starting.join().close();
    }

    private static int freePort() throws Exception {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    @Test
    void onlyReadinessDependsOnTheMigration() {
        scene.migration.ready = false;
        try {
            assertThat(scene.http.get("/actuator/health/readiness").status()).isEqualTo(503);
            assertThat(scene.http.get("/actuator/health/liveness").status()).isEqualTo(200);
        } finally {
            scene.migration.ready = true;
        }
        assertThat(scene.http.get("/actuator/health/readiness").status()).isEqualTo(200);
    }

    @Test
    void statusIsReadableDuringTheDrain() throws Exception {
        FakeMigration slow = FakeMigration.slowToDrain();
        MillraceService other = MillraceService.start(ServiceScene.LOOPBACK, () -> slow);
        Http client = new Http(other.port());
        CompletableFuture<Void> closed = CompletableFuture.runAsync(other::close);
        slow.closing.await();

        Answer status = client.get("/api/v1/status");
        Answer reconcile = client.post("/api/v1/reconciliations", "{}", JSON);
        Answer readiness = client.get("/actuator/health/readiness");

        assertThat(status.status()).isEqualTo(200);
        assertProblem(reconcile, 503);
        assertThat(readiness.status()).isEqualTo(503);
        assertThat(closed).isNotDone();
        slow.mayClose.countDown();
        assertThat(other.awaitEnd()).isEqualTo(ExitCode.DONE);
        closed.join();
    }

    @Test
    void reportsAFailedDrain() throws Exception {
        FakeMigration migration = new FakeMigration();
        ServedMigration stuck =
                new ServedMigration() {
                    @Override
                    public MigrationControl control() {
                        return migration;
                    }

                    @Override
                    public MigrationEnd end() {
                        return migration;
                    }

                    @Override
                    public MigrationDefinition definition() {
                        return MigrationDefinition.UNKNOWN;
                    }

                    @Override
                    public Approvals approvals() {
                        return FakeMigration.noApprovals();
                    }

                    @Override
                    public void close() {
                        throw new IllegalStateException("the target is away");
                    }
                };
        MillraceService other = MillraceService.start(ServiceScene.LOOPBACK, () -> stuck);

        other.close();

        assertThat(other.awaitEnd()).isEqualTo(ExitCode.FAILED);
    }
}
