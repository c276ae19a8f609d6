package dev.millrace.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.ServiceAddress;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.ReconciliationState;
import dev.millrace.migration.StatusReport;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.service.Http.Answer;
import dev.millrace.spec.Secret;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ServiceIT {

    private static final String JSON = "Content-Type: application/json";
    private static final Secret TOKEN = Secret.of("a-token-of-some-length");
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final FakeMigration migration = new FakeMigration();
    private static final FakeMigration guarded = new FakeMigration();
    private static MillraceService service;
    private static MillraceService guardedService;
    private static Http http;
    private static Http guardedHttp;

    @BeforeAll
    static void start() throws Exception {
        long begun = System.nanoTime();
        service = MillraceService.start(loopback(), () -> migration);
        System.out.printf(
                "The service was up after %d ms.%n", (System.nanoTime() - begun) / 1_000_000);
        http = new Http(service.port());
        guardedService =
                MillraceService.start(new ServiceAddress("0.0.0.0", 0, TOKEN), () -> guarded);
        guardedHttp = new Http(guardedService.port());
    }

    @AfterAll
    static void stop() {
        service.close();
        guardedService.close();
    }

    private static ServiceAddress loopback() {
        return new ServiceAddress("127.0.0.1", 0, Secret.NONE);
    }

    @Test
    void tellsTheStatusToTheLetter() {
        Answer answer = http.get("/api/v1/status");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        JsonNode status = answer.json();
        assertThat(status.path("migration").asString()).isEqualTo("shop");
        assertThat(status.path("phase").asString()).isEqualTo("CATCHING_UP");
        assertThat(status.path("lag").path("sourceBytes").asLong()).isEqualTo(1_024);
        assertThat(status.path("lag").path("endToEndSeconds").asDouble()).isEqualTo(0.25);
        JsonNode customer = status.path("tables").path(0);
        assertThat(customer.path("backfill").path("rowsEstimated").asLong()).isEqualTo(40);
        assertThat(status.has("lastReconciliation")).isTrue();
        assertThat(status.path("phaseSince").asString()).isEqualTo("2026-01-02T12:00:00Z");
    }

    @Test
    void tellsAnUnknownLagAsNull() {
        FakeMigration blind = guarded;
        blind.lag = new StatusReport.Lag(null, null, null);

        JsonNode lag =
                guardedHttp
                        .get("/api/v1/status", "Authorization: Bearer a-token-of-some-length")
                        .json()
                        .path("lag");

        assertThat(lag.path("sourceBytes").isNull()).isTrue();
        assertThat(lag.path("records").isNull()).isTrue();
        assertThat(lag.path("endToEndSeconds").isNull()).isTrue();
    }

    @Test
    void everyAnswerIsKeptFromTheBrowsersCacheAndScripts() {
        for (String path : List.of("/api/v1/status", "/actuator/health/liveness", "/nowhere")) {
            Answer answer = http.get(path);

            assertThat(answer.header("Content-Security-Policy"))
                    .isEqualTo("default-src 'none'; frame-ancestors 'none'");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:8080",
                "127.0.0.1.evil.example",
                "localhost.evil.example:80",
                "10.0.0.1",
                "[::2]",
                "localhost:80@evil.example"
            })
    void refusesAForeignHost(String host) {
        Answer answer = http.get("/api/v1/status", "Host: " + host);

        assertThat(answer.status()).isIn(400, 403);
        assertThat(answer.body()).doesNotContain("CATCHING_UP");
    }

    @Test
    void refusesAForeignHostWithAProblem() {
        Answer answer = http.get("/api/v1/status", "Host: evil.example");

        assertProblem(answer, 403);
        assertThat(answer.json().path("detail").asString()).contains("MILLRACE_TOKEN");
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST:1", "127.0.0.1", "[::1]", "[::1]:8080"})
    void takesEveryNameOfTheLoopbackAddress(String host) {
        assertThat(http.get("/api/v1/status", "Host: " + host).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Origin: http://evil.example",
                "Origin: null",
                "Origin: http://localhost:1",
                "Origin: http://localhost",
                "Origin: https://127.0.0.1",
                "Origin: http://127.0.0.1.evil.example",
                "Sec-Fetch-Site: cross-site",
                "Sec-Fetch-Site: same-site"
            })
    void refusesAnotherSitesPage(String header) {
        int before = migration.asked.size();

        Answer answer = http.post("/api/v1/reconciliations", "{}", JSON, header);

        assertProblem(answer, 403);
        assertThat(migration.asked).hasSize(before);
    }

    @Test
    void takesItsOwnPage() {
        Answer answer =
                http.get(
                        "/api/v1/status",
                        "Origin: http://localhost:" + service.port(),
                        "Sec-Fetch-Site: same-origin");

        assertThat(answer.status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Type: application/x-www-form-urlencoded",
                "Content-Type: text/plain",
                "Content-Type: multipart/form-data; boundary=application/json",
                "Content-Type: text/plain; application/json",
                "X-None: none"
            })
    void refusesWhatAFormCanSend(String type) {
        int before = migration.asked.size();

        Answer answer = http.post("/api/v1/reconciliations", "{}", type);

        assertProblem(answer, 415);
        assertThat(answer.json().path("detail").asString()).contains("{} to compare every table");
        assertThat(migration.asked).hasSize(before);
    }

    @Test
    void aPostWithoutABodyIsToldWhatToSend() {
        Answer untyped = http.post("/api/v1/reconciliations", "");
        Answer typed = http.post("/api/v1/reconciliations", "", JSON);

        assertProblem(untyped, 415);
        assertProblem(typed, 400);
        assertThat(untyped.json().path("detail").asString())
                .contains("application/json", "{} to compare every table");
        assertThat(typed.json().path("detail").asString()).contains("{} to compare every table");
    }

    @ParameterizedTest
    @CsvSource({
        "DELETE,/api/v1/status,GET",
        "POST,/api/v1/status,GET",
        "PUT,/api/v1/reconciliations,POST",
        "POST,/api/v1/log?topic=changes,GET"
    })
    void anotherMethodThanThePlaceTakesIsToldWithTheOneItTakes(
            String method, String path, String taken) {
        Answer answer = http.send(method, path, "{}", JSON);

        assertProblem(answer, 405);
        assertThat(answer.header("Allow")).contains(taken);
        assertThat(answer.json().path("detail").asString())
                .isEqualTo(method + " isn't taken here; " + taken + " is.");
        assertProblem(http.send("DELETE", path, ""), 405);
    }

    @ParameterizedTest
    @CsvSource({
        "/api/v1/status",
        "/api/v1/log?topic=changes",
        "/actuator/prometheus",
        "/actuator/health",
        "/actuator/health/liveness/../../prometheus",
        "/actuator/health/liveness;x/../../../api/v1/status"
    })
    void asksForTheToken(String path) {
        for (String header :
                List.of(
                        "X-None: none",
                        "Authorization: Bearer wrong",
                        "Authorization: Bearer",
                        "Authorization: Basic a-token-of-some-length",
                        "Authorization: Bearer a-token-of-some-lengt")) {
            Answer answer = guardedHttp.get(path, header);

            assertThat(answer.status()).isIn(400, 401);
            assertThat(answer.body()).doesNotContain("CATCHING_UP", "millrace_");
        }
        Answer answer = guardedHttp.get("/api/v1/status");
        assertProblem(answer, 401);
        assertThat(answer.header("WWW-Authenticate")).startsWith("Bearer");
    }

    @Test
    void takesTheTokenWhateverTheHost() {
        Answer answer =
                guardedHttp.get(
                        "/api/v1/status",
                        "Host: millrace.example",
                        "Authorization: bearer a-token-of-some-length");

        assertThat(answer.status()).isEqualTo(200);
    }

    @Test
    void probesNeedNoToken() {
        assertThat(guardedHttp.get("/actuator/health/liveness").status()).isEqualTo(200);
        assertThat(guardedHttp.get("/actuator/health/readiness").status()).isEqualTo(200);
    }

    @Test
    void onlyReadinessFollowsTheMigration() {
        migration.ready = false;
        try {
            assertThat(http.get("/actuator/health/readiness").status()).isEqualTo(503);
            assertThat(http.get("/actuator/health/liveness").status()).isEqualTo(200);
        } finally {
            migration.ready = true;
        }
        assertThat(http.get("/actuator/health/readiness").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/actuator",
                "/actuator/env",
                "/actuator/beans",
                "/actuator/heapdump",
                "/actuator/loggers",
                "/actuator/metrics",
                "/error",
                "/api/v1/nothing",
                "/api/v2/status"
            })
    void showsNothingElse(String path) {
        assertProblem(http.get(path), 404);
    }

    @Test
    void comparesTheTablesThatAreNamed() {
        Answer answer =
                http.post("/api/v1/reconciliations", "{\"tables\":[\"crm.customer\"]}", JSON);

        assertThat(answer.status()).isEqualTo(202);
        String id = answer.json().path("id").asString();
        assertThat(answer.header("Location")).endsWith("/api/v1/reconciliations/" + id);
        assertThat(answer.json().path("href").asString())
                .isEqualTo("/api/v1/reconciliations/" + id);
        assertThat(answer.json().path("state").asString()).isEqualTo("running");
        assertThat(migration.asked.getLast()).containsExactly("crm.customer");
        JsonNode running = http.get("/api/v1/reconciliations/" + id).json();
        assertThat(running.path("state").asString()).isEqualTo("running");
        assertThat(running.path("startedAt").asString()).isEqualTo("2026-01-02T12:00:00Z");
        assertThat(running.has("finishedAt")).isFalse();
    }

    @Test
    void comparesAllWhenNoneIsNamed() {
        assertThat(http.post("/api/v1/reconciliations", "{}", JSON).status()).isEqualTo(202);

        assertThat(migration.asked.getLast()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "null",
                "\"crm.customer\"",
                "{\"tabels\":[\"crm.customer\"]}",
                "{\"tables\":\"crm.customer\"}",
                "{\"tables\":[null]}",
                "{} {}"
            })
    void refusesABodyItDoesntUnderstand(String body) {
        int before = migration.asked.size();

        Answer answer = http.post("/api/v1/reconciliations", body, JSON);

        assertProblem(answer, 400);
        assertThat(answer.body()).doesNotContain("dev.millrace", "jackson");
        assertThat(migration.asked).hasSize(before);
    }

    @Test
    void namesTheFieldThatIsntThere() {
        Answer answer = http.post("/api/v1/reconciliations", "{\"tabels\":[]}", JSON);

        assertThat(answer.json().path("detail").asString()).contains("'tabels'");
    }

    @Test
    void refusesATableThatIsNoTarget() {
        Answer answer = http.post("/api/v1/reconciliations", "{\"tables\":[\"crm.x\"]}", JSON);

        assertProblem(answer, 404);
        assertThat(answer.json().path("detail").asString()).contains("crm.x", "millrace status");
        assertProblem(http.get("/api/v1/log?topic=target&table=crm.x"), 404);
    }

    @Test
    void givesTheReportWithItsIdAndAsAPage() {
        UUID id = finished();

        JsonNode report = http.get("/api/v1/reconciliations/" + id).json();
        Answer page = http.get("/api/v1/reconciliations/" + id + "?format=html");
        Answer accepted = http.get("/api/v1/reconciliations/" + id, "Accept: text/html,*/*;q=0.8");

        assertThat(report.path("id").asString()).isEqualTo(id.toString());
        assertThat(report.path("state").asString()).isEqualTo("finished");
        assertThat(report.path("verdict").asString()).isEqualTo("undecided");
        assertThat(report.path("finishedAt").asString()).isEqualTo("2026-01-02T12:00:09Z");
        assertThat(report.path("sourceLsn").isNull()).isTrue();
        assertThat(page.header("Content-Type")).isEqualTo("text/html;charset=UTF-8");
        assertThat(page.header("Content-Security-Policy"))
                .isEqualTo("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
        assertThat(page.body()).startsWith("<!DOCTYPE html>").contains("undecided");
        assertThat(accepted.body()).isEqualTo(page.body());
    }

    @Test
    void tellsWhyAComparisonFailed() {
        UUID id = UUID.randomUUID();
        migration.reconciliations.put(id, new ReconciliationState.Failed("the source is away"));

        Answer answer = http.get("/api/v1/reconciliations/" + id);

        assertProblem(answer, 500);
        assertThat(answer.json().path("detail").asString()).contains("the source is away");
        assertThat(answer.json().path("state").asString()).isEqualTo("failed");
    }

    @Test
    void refusesAnUnknownReconciliationAndAPageThatIsntThereYet() {
        UUID running = migration.reconcile(List.of());

        assertProblem(http.get("/api/v1/reconciliations/" + UUID.randomUUID()), 404);
        assertProblem(http.get("/api/v1/reconciliations/nonsense"), 404);
        assertProblem(http.get("/api/v1/reconciliations/" + running + "?format=html"), 409);
        assertProblem(http.get("/api/v1/reconciliations/" + running + "?format=pdf"), 400);
    }

    @Test
    void streamsTheLogLineByLine() {
        Answer answer =
                http.get(
                        "/api/v1/log?topic=changes&table=crm.note&limit=3",
                        "Accept: application/x-ndjson, application/json");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).startsWith("application/x-ndjson");
        assertThat(answer.body()).isEqualTo("{\"offset\":0}\n{\"offset\":1}\n{\"offset\":2}\n");
        assertThat(answer.whole()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"topic=other", "", "topic=changes&limit=0", "topic=changes&limit=many"})
    void refusesALogItCantRead(String query) {
        assertProblem(http.get("/api/v1/log?" + query), 400);
    }

    @Test
    void aFaultIsAProblemWithoutItsMessageOrTrace() {
        guarded.logFailsAfter = 2;

        Answer answer =
                guardedHttp.get(
                        "/api/v1/log?topic=target", "Authorization: Bearer a-token-of-some-length");

        assertProblem(answer, 500);
        assertThat(answer.body())
                .doesNotContain("offset", "somebody@example.org", "IllegalState", "at dev.");
    }

    @Test
    void aLogThatFailsHalfwayIsNotWhole() throws Exception {
        FakeMigration failing = new FakeMigration();
        failing.logFailsAfter = 20_000;
        try (MillraceService other = MillraceService.start(loopback(), () -> failing)) {
            Answer answer = new Http(other.port()).get("/api/v1/log?topic=target&limit=30000");

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.whole()).isFalse();
            assertThat(answer.body()).doesNotContain("somebody@example.org", "title");
        }
    }

    @Test
    void countsForPrometheus() {
        migration.last = new StatusReport.LastReconciliation("equal", FakeMigration.NOON);

        String metrics = http.get("/actuator/prometheus").body();

        assertThat(metrics.lines())
                .contains(
                        "millrace_lag_source_bytes 1024.0",
                        "millrace_lag_records 7.0",
                        "millrace_lag_end_to_end_seconds 0.25",
                        "millrace_phase{phase=\"CATCHING_UP\"} 1.0",
                        "millrace_events_total 100.0",
                        "millrace_rows_applied_total 90.0",
                        "millrace_batches_total 9.0",
                        "millrace_backfill_rows{target=\"crm.customer\"} 10.0",
                        "millrace_backfill_rows_estimated{target=\"crm.customer\"} 40.0",
                        "millrace_rejected{target=\"crm.customer\"} 2.0",
                        "millrace_rejected{target=\"crm.note\"} 0.0",
                        "millrace_part_well{part=\"capture\"} 1.0",
                        "millrace_part_well{part=\"applier\"} 0.0",
                        "millrace_reconciliation_verdict{scope=\"all_tables\",verdict=\"equal\"} 1.0",
                        "millrace_reconciliation_verdict{scope=\"all_tables\",verdict=\"different\"} 0.0",
                        "millrace_reconciliation_finished_timestamp_seconds 1.7673552E9");
        assertThat(metrics)
                .contains("jvm_memory_used_bytes", "process_uptime_seconds")
                .doesNotContain("millrace_backfill_rows_estimated{target=\"crm.note\"}");
    }

    @Test
    void anUnknownLagHasNoSample() throws Exception {
        FakeMigration blind = new FakeMigration();
        blind.lag = new StatusReport.Lag(null, null, null);
        try (MillraceService other = MillraceService.start(loopback(), () -> blind)) {
            String metrics = new Http(other.port()).get("/actuator/prometheus").body();

            assertThat(metrics)
                    .contains("millrace_events_total")
                    .doesNotContain("millrace_lag_", "millrace_reconciliation_");
        }
    }

    @Test
    void theStatusCanBeReadWhileItDrains() throws Exception {
        FakeMigration slow = FakeMigration.slowToDrain();
        MillraceService other = MillraceService.start(loopback(), () -> slow);
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
    void tellsWhenItDidNotDrainInFull() throws Exception {
        FakeMigration migration = new FakeMigration();
        ServedMigration stuck =
                new ServedMigration() {
                    @Override
                    public MigrationControl control() {
                        return migration;
                    }

                    @Override
                    public void close() throws Exception {
                        throw new Exception("the target is away");
                    }
                };
        MillraceService other = MillraceService.start(loopback(), () -> stuck);

        other.close();

        assertThat(other.awaitEnd()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void isAliveButNotReadyWhileTheMigrationIsOpened() throws Exception {
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
                .atMost(PATIENCE)
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
                    .hasMessage("port %d of 127.0.0.1 is in use", other.getLocalPort());
        }
        assertThat(opened).isFalse();
    }

    @Test
    void listensForOthersOnlyWithAToken() {
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
    void handsOnWhatKeptTheMigrationFromOpeningAndFreesThePort() throws Exception {
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

    private static UUID finished() {
        UUID id = UUID.randomUUID();
        migration.reconciliations.put(
                id,
                new ReconciliationState.Finished(
                        new ReconciliationReport(
                                "shop",
                                Verdict.UNDECIDED,
                                FakeMigration.NOON,
                                FakeMigration.NOON.plusSeconds(9),
                                null,
                                "abc",
                                List.of())));
        return id;
    }

    private static int freePort() throws Exception {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private static void assertProblem(Answer answer, int status) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        JsonNode problem = answer.json();
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("title").asString()).isNotBlank();
        assertThat(problem.path("detail").asString()).isNotBlank();
        assertThat(problem.path("instance").asString()).startsWith("/");
        assertThat(answer.body()).doesNotContain("\tat ", "org.springframework");
    }
}
