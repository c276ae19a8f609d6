package dev.millrace.http;

import static dev.millrace.app.ServiceScene.BEARER;
import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.migration.StatusReport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Tests status and log over HTTP, and problems that are common to all paths.
class MigrationApiIT {

    @AutoClose private static ServiceScene scene;
    @AutoClose private static ServiceScene guarded;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
        guarded = ServiceScene.guarded();
    }

    @Test
    void statusJsonIsExact() {
        Answer answer = scene.http.get("/api/v1/status");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        JsonNode status = answer.json();
        assertThat(status.path("migration").asString()).isEqualTo("shop");
        assertThat(status.path("phase").asString()).isEqualTo("CATCHING_UP");
        assertThat(status.path("lag").path("sourceBytes").asLong()).isEqualTo(1_024);
        assertThat(status.path("lag").path("endToEndSeconds").asDouble()).isEqualTo(0.25);
        assertThat(status.path("lag").path("safeWalBytes").asLong()).isEqualTo(5_000);
        assertThat(status.path("lag").path("captureSeconds").asDouble()).isEqualTo(0.5);
        JsonNode changes = status.path("lag").path("topics").path(0);
        assertThat(changes.path("group").asString()).isEqualTo("millrace.shop.rows.1");
        assertThat(changes.path("records").isNull()).as("one partition is unknown").isTrue();
        assertThat(changes.path("partitions").path(0).path("seconds").asDouble()).isEqualTo(1.5);
        assertThat(status.path("eta").path("backfillSeconds").asDouble()).isEqualTo(120);
        assertThat(status.path("eta").path("catchUpSeconds").isNull()).isTrue();
        JsonNode customer = status.path("tables").path(0);
        assertThat(customer.path("backfill").path("rowsEstimated").asLong()).isEqualTo(40);
        assertThat(status.has("lastReconciliation")).isTrue();
        assertThat(status.path("phaseSince").asString()).isEqualTo("2026-01-02T12:00:00Z");
    }

    @Test
    void unknownLagIsNull() {
        guarded.migration.lag = new StatusReport.Lag(null, null, null, null);

        JsonNode lag = guarded.http.get("/api/v1/status", BEARER).json().path("lag");

        assertThat(lag.path("sourceBytes").isNull()).isTrue();
        assertThat(lag.path("records").isNull()).isTrue();
        assertThat(lag.path("endToEndSeconds").isNull()).isTrue();
        assertThat(lag.path("safeWalBytes").isNull()).isTrue();
        assertThat(lag.path("sourceSeconds").isNull()).isTrue();
        assertThat(lag.path("captureSeconds").isNull()).isTrue();
        assertThat(lag.path("slotActive").isNull()).isTrue();
        assertThat(lag.path("topics").isEmpty()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "DELETE,/api/v1/status,GET",
        "POST,/api/v1/status,GET",
        "PUT,/api/v1/reconciliations,'GET, POST'",
        "POST,/api/v1/log?topic=changes,GET"
    })
    void refusesOtherMethodsAndNamesTheAllowedOne(String method, String path, String taken) {
        Answer answer = scene.http.send(method, path, "{}", JSON);

        assertProblem(answer, 405);
        assertThat(answer.header("Allow").split(", ?"))
                .containsExactlyInAnyOrder(taken.split(", "));
        assertThat(answer.json().path("detail").asString())
                .isEqualTo(method + " is not allowed. Use " + taken + ".");
        assertProblem(scene.http.send("DELETE", path, ""), 405);
    }

    @Test
    void refusesAnUnknownTable() {
        Answer answer =
                scene.http.post("/api/v1/reconciliations", "{\"tables\":[\"crm.x\"]}", JSON);

        assertProblem(answer, 404);
        assertThat(answer.json().path("detail").asString()).contains("crm.x", "millrace status");
        assertProblem(scene.http.get("/api/v1/log?topic=target&table=crm.x"), 404);
    }

    @Test
    void streamsTheLogLineByLine() {
        Answer answer =
                scene.http.get(
                        "/api/v1/log?topic=changes&table=crm.note&limit=3",
                        "Accept: application/x-ndjson, application/json");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).startsWith("application/x-ndjson");
        assertThat(answer.body()).isEqualTo("{\"offset\":0}\n{\"offset\":1}\n{\"offset\":2}\n");
        assertThat(answer.whole()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"topic=other", "", "topic=changes&limit=0", "topic=changes&limit=many"})
    void refusesInvalidLogQueries(String query) {
        assertProblem(scene.http.get("/api/v1/log?" + query), 400);
    }

    @Test
    void anInternalErrorIsAProblemWithoutMessageOrStackTrace() {
        guarded.migration.logFailsAfter = 2;

        Answer answer = guarded.http.get("/api/v1/log?topic=target", BEARER);

        assertProblem(answer, 500);
        assertThat(answer.body())
                .doesNotContain("offset", "somebody@example.org", "IllegalState", "at dev.");
        assertThat(answer.json().path("detail").asString())
                .contains("incident " + answer.json().path("incident").asString());
    }

    @Test
    void aLogThatFailsMidwayBreaksTheConnection() throws Exception {
        FakeMigration failing = new FakeMigration();
        failing.logFailsAfter = 20_000;
        try (ServiceScene other = ServiceScene.over(failing)) {
            Answer answer = other.http.get("/api/v1/log?topic=target&limit=30000");

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.whole()).isFalse();
            assertThat(answer.body()).doesNotContain("somebody@example.org", "title");
        }
    }
}
