package dev.millrace.app;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.Http.Answer;
import dev.millrace.migration.MigrationControl.Asker;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Tests reconciliations over HTTP: requested, running, finished as JSON and HTML, and failed.
class ReconciliationApiIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @Test
    void comparesTheNamedTables() {
        Answer answer =
                scene.http.post("/api/v1/reconciliations", "{\"tables\":[\"crm.customer\"]}", JSON);

        assertThat(answer.status()).isEqualTo(202);
        String id = answer.json().path("id").asString();
        assertThat(answer.header("Location")).endsWith("/api/v1/reconciliations/" + id);
        assertThat(answer.json().path("href").asString())
                .isEqualTo("/api/v1/reconciliations/" + id);
        assertThat(answer.json().path("state").asString()).isEqualTo("running");
        assertThat(scene.migration.asked.getLast()).containsExactly("crm.customer");
        JsonNode running = scene.http.get("/api/v1/reconciliations/" + id).json();
        assertThat(running.path("state").asString()).isEqualTo("running");
        assertThat(running.path("startedAt").asString()).isEqualTo("2026-01-02T12:00:00Z");
        assertThat(running.has("finishedAt")).isFalse();
    }

    @Test
    void theJournalLearnsWhoAsksAndWhy() {
        Answer answer =
                scene.http.post(
                        "/api/v1/reconciliations",
                        "{\"who\":\"ann\",\"reason\":\"before the switchover\"}",
                        JSON);
        assertThat(scene.migration.askers.getLast())
                .isEqualTo(new Asker(Optional.of("ann (unverified)"), "before the switchover"));

        delete(UUID.fromString(answer.json().path("id").asString()), "?who=bob&reason=too%20slow");

        assertThat(scene.migration.askers.getLast())
                .isEqualTo(new Asker(Optional.of("bob (unverified)"), "too slow"));
    }

    @Test
    void listsThoseThatAreNotFinished() {
        scene.migration.forgetReconciliations();
        UUID id = scene.migration.reconcile(List.of());

        JsonNode listed = scene.http.get("/api/v1/reconciliations/unfinished").json();

        assertThat(listed.size()).isEqualTo(1);
        assertThat(listed.path(0).path("id").asString()).isEqualTo(id.toString());
        assertThat(listed.path(0).path("state").asString()).isEqualTo("running");
        assertThat(listed.path(0).path("incremental").asBoolean()).isFalse();
        JsonNode progress = listed.path(0).path("progress");
        assertThat(progress.path("rows").asLong()).isEqualTo(1_200);
        assertThat(progress.path("rowsExpected").asLong()).isEqualTo(4_800);
        assertThat(progress.path("tables").asInt()).isEqualTo(7);
        assertThat(progress.path("tablesDone").asInt()).isEqualTo(3);
    }

    @Test
    void comparesAllTablesByDefault() {
        assertThat(scene.http.post("/api/v1/reconciliations", "{}", JSON).status()).isEqualTo(202);

        assertThat(scene.migration.asked.getLast()).isEmpty();
        assertThat(scene.migration.methods.getLast()).isEqualTo(Method.ALL_ROWS);
    }

    @Test
    void comparesTouchedKeysOnRequest() {
        assertThat(
                        scene.http
                                .post("/api/v1/reconciliations", "{\"incremental\":true}", JSON)
                                .status())
                .isEqualTo(202);

        assertThat(scene.migration.asked.getLast()).isEmpty();
        assertThat(scene.migration.methods.getLast()).isEqualTo(Method.TOUCHED_KEYS);
    }

    @Test
    void aPostWithoutBodyGetsTheExpectedForm() {
        Answer untyped = scene.http.post("/api/v1/reconciliations", "");
        Answer typed = scene.http.post("/api/v1/reconciliations", "", JSON);

        assertProblem(untyped, 415);
        assertProblem(typed, 400);
        assertThat(untyped.json().path("detail").asString())
                .contains("application/json", "{} to compare every table");
        assertThat(typed.json().path("detail").asString()).contains("{} to compare every table");
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
    void refusesInvalidBodies(String body) {
        int before = scene.migration.asked.size();

        Answer answer = scene.http.post("/api/v1/reconciliations", body, JSON);

        assertProblem(answer, 400);
        assertThat(answer.body()).doesNotContain("dev.millrace", "jackson");
        assertThat(scene.migration.asked).hasSize(before);
    }

    @Test
    void namesAnUnknownField() {
        Answer answer = scene.http.post("/api/v1/reconciliations", "{\"tabels\":[]}", JSON);

        assertThat(answer.json().path("detail").asString()).contains("'tabels'");
    }

    @Test
    void returnsTheReportAsJsonWithItsIdAndAsHtml() {
        UUID id = finished();

        JsonNode report = scene.http.get("/api/v1/reconciliations/" + id).json();
        Answer page = scene.http.get("/api/v1/reconciliations/" + id + "?format=html");
        Answer accepted =
                scene.http.get("/api/v1/reconciliations/" + id, "Accept: text/html,*/*;q=0.8");

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
    void returnsTheReportInEachFormat() {
        UUID id = finished();
        String path = "/api/v1/reconciliations/" + id + "?format=";

        Answer markdown = scene.http.get(path + "md");
        Answer junit = scene.http.get(path + "junit");

        assertThat(markdown.header("Content-Type")).isEqualTo("text/markdown;charset=UTF-8");
        assertThat(markdown.body()).startsWith("# Reconciliation of shop: undecided");
        assertThat(junit.header("Content-Type")).isEqualTo("application/xml;charset=UTF-8");
        assertThat(junit.body()).contains("<testsuite ", "errors=\"1\"");
        assertThat(scene.http.get(path + "json").json().path("id").asString())
                .isEqualTo(id.toString());
        assertThat(scene.http.get(path + "pdf").json().path("detail").asString())
                .contains("'json', 'html', 'md' or 'junit'");
    }

    @Test
    void listsFinishedReconciliations() {
        UUID id = finished();

        JsonNode list = scene.http.get("/api/v1/reconciliations").json();

        assertThat(list.valueStream().map(each -> each.path("id").asString()))
                .contains(id.toString());
        assertThat(list.path(0).propertyNames())
                .containsExactly("id", "verdict", "startedAt", "finishedAt");
        assertThat(list.path(0).path("finishedAt").asString()).isEqualTo("2026-01-02T12:00:09Z");
    }

    private static UUID finished() {
        UUID id = UUID.randomUUID();
        scene.migration.reconciliations.put(
                id,
                new ReconciliationState.Finished(
                        new ReconciliationReport(
                                "shop",
                                Verdict.UNDECIDED,
                                FakeMigration.NOON,
                                FakeMigration.NOON.plusSeconds(9),
                                null,
                                "abc",
                                List.of(),
                                null,
                                null)));
        return id;
    }

    @Test
    void cancelsARunningComparisonAndKeepsAFinishedOne() {
        UUID running = scene.migration.reconcile(List.of());
        UUID finished = finished();

        Answer cancelled = delete(running);

        assertThat(cancelled.status()).isEqualTo(200);
        assertThat(cancelled.json().path("state").asString()).isEqualTo("finished");
        assertThat(cancelled.json().path("verdict").asString()).isEqualTo("undecided");
        assertThat(cancelled.json().path("reason").asString()).isEqualTo("cancelled");
        assertThat(delete(finished).json().path("reason").isNull()).isTrue();
        assertProblem(delete(UUID.randomUUID()), 404);
    }

    private static Answer delete(UUID id) {
        return delete(id, "");
    }

    private static Answer delete(UUID id, String query) {
        return scene.http.send("DELETE", "/api/v1/reconciliations/" + id + query, "");
    }

    @Test
    void refusesAComparisonThatCannotReachAVerdict() {
        scene.migration.refusal = "The migration failed: the slot is gone";
        try {
            Answer answer = scene.http.post("/api/v1/reconciliations", "{}", JSON);

            assertProblem(answer, 409);
            assertThat(answer.json().path("detail").asString())
                    .isEqualTo("The migration failed: the slot is gone.");
        } finally {
            scene.migration.refusal = null;
        }
    }

    @Test
    void reportsWhyAComparisonFailed() {
        UUID id = UUID.randomUUID();
        scene.migration.reconciliations.put(
                id, new ReconciliationState.Failed("the source is away"));

        Answer answer = scene.http.get("/api/v1/reconciliations/" + id);

        assertProblem(answer, 500);
        assertThat(answer.json().path("detail").asString()).contains("the source is away");
        assertThat(answer.json().path("state").asString()).isEqualTo("failed");
    }

    @Test
    void refusesUnknownReconciliationsAndPagesBeforeTheEnd() {
        UUID running = scene.migration.reconcile(List.of());

        assertProblem(scene.http.get("/api/v1/reconciliations/" + UUID.randomUUID()), 404);
        assertProblem(scene.http.get("/api/v1/reconciliations/nonsense"), 404);
        assertProblem(scene.http.get("/api/v1/reconciliations/" + running + "?format=html"), 409);
        assertProblem(scene.http.get("/api/v1/reconciliations/" + running + "?format=pdf"), 400);
    }
}
