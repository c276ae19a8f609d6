package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.migration.MigrationControl.Resolution;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.switchover.SwitchoverRequest.Action;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class SwitchoverApiIT {

    @AutoClose private static ServiceScene scene;
    private static Operation dryRun;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
        dryRun = scene.migration.operation;
    }

    @AfterEach
    void forget() {
        scene.migration.switchovers.clear();
        scene.migration.resolutions.clear();
        scene.migration.refusal = null;
        scene.migration.operation = dryRun;
    }

    private static Answer post(String body) {
        return scene.http.post("/api/v1/switchover", body, JSON);
    }

    @Test
    void aDryRunAnswersTheOperation() {
        Answer answer = post("{\"dryRun\":true,\"who\":\"ann\",\"expectedPhase\":\"IN_SYNC\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().path("operation").path("kind").asString()).isEqualTo("switchover");
        assertThat(answer.json().path("operation").path("state").asString()).isEqualTo("dryRun");
        assertThat(scene.migration.switchovers)
                .containsExactly(
                        new SwitchoverRequest(
                                Kind.SWITCHOVER,
                                Action.DRY_RUN,
                                Set.of(),
                                "",
                                Optional.of("ann (unverified)"),
                                Optional.of("IN_SYNC"),
                                Optional.empty()));
    }

    @Test
    void aSwitchoverIsAccepted() {
        assertThat(post("{}").status()).isEqualTo(202);
        assertThat(post("{\"cancel\":true}").status()).isEqualTo(202);
        assertThat(scene.migration.switchovers)
                .extracting(SwitchoverRequest::action)
                .containsExactly(Action.MOVE, Action.CANCEL);
    }

    @Test
    void aRefusalIsAConflictWithItsReason() {
        scene.migration.refusal = "Gate verdict is closed: No verdict available";

        Answer answer = post("{}");

        assertProblem(answer, 409);
        assertThat(answer.json().path("detail").asString())
                .isEqualTo("Gate verdict is closed: No verdict available.");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"dryRun\":true,\"cancel\":true}|exclude each other",
                "{\"force\":[\"lag\"]}|needs a 'reason'",
                "{\"force\":[\"\"],\"reason\":\"x\"}|A name in 'force' is empty",
                "{\"reason\":\"a\\nb\"}|must be one line",
                "{\"forced\":[]}|forced",
                "[]|\"dryRun\": true",
            })
    void refusesBadBodies(String body, String says) {
        Answer answer = post(body);

        assertProblem(answer, 400);
        assertThat(answer.json().path("detail").asString()).contains(says);
        assertThat(scene.migration.switchovers).isEmpty();
    }

    @Test
    void aRollbackIsAccepted() {
        assertThat(scene.http.post("/api/v1/rollback", "{}", JSON).status()).isEqualTo(202);
        assertThat(scene.migration.switchovers)
                .extracting(SwitchoverRequest::kind)
                .containsExactly(Kind.ROLLBACK);
    }

    @Test
    void theIdempotencyKeyIsPassedOn() {
        scene.http.post("/api/v1/switchover", "{}", JSON, "Idempotency-Key: one");
        scene.http.post("/api/v1/rollback", "{}", JSON, "Idempotency-Key: two");
        scene.http.post("/api/v1/rollback", "{}", JSON, "Idempotency-Key: " + "x".repeat(501));

        assertThat(scene.migration.switchovers)
                .extracting(SwitchoverRequest::requestKey)
                .containsExactly(Optional.of("one"), Optional.of("two"));
    }

    @Test
    void anAnswerIsPassedOnWithItsReason() {
        Answer routed =
                scene.http.post(
                        "/api/v1/resolve",
                        "{\"answer\":\"routed\",\"reason\":\"seen\",\"who\":\"ann\",\"expectedPhase\":\"UNRESOLVED\"}",
                        JSON);
        Answer checked =
                scene.http.post(
                        "/api/v1/resolve",
                        "{\"answer\":\"not-routed\",\"reason\":\"seen\",\"dryRun\":true}",
                        JSON);

        assertThat(routed.status()).as(routed.body()).isEqualTo(202);
        assertThat(checked.status()).as(checked.body()).isEqualTo(200);
        assertThat(routed.json().path("operation").path("kind").asString()).isEqualTo("switchover");
        assertThat(scene.migration.resolutions)
                .containsExactly(
                        new Resolution(
                                true,
                                false,
                                "seen",
                                Optional.of("ann (unverified)"),
                                Optional.of("UNRESOLVED")),
                        new Resolution(false, true, "seen", Optional.empty(), Optional.empty()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"answer\":\"perhaps\",\"reason\":\"x\"}|'answer' must be",
                "{\"reason\":\"x\"}|'answer' must be",
                "{\"answer\":\"routed\"}|'reason' is missing",
                "{\"answer\":\"routed\",\"reason\":\" \"}|'reason' is missing",
                "{\"answer\":\"routed\",\"reason\":\"x\",\"force\":[]}|\"answer\": \"routed\"",
            })
    void refusesBadAnswers(String body, String says) {
        Answer answer = scene.http.post("/api/v1/resolve", body, JSON);

        assertProblem(answer, 400);
        assertThat(answer.json().path("detail").asString()).contains(says);
        assertThat(scene.migration.resolutions).isEmpty();
    }

    @Test
    void anAnswerWithoutAQuestionIsAConflict() {
        scene.migration.refusal = "No operation is unresolved. Nothing was changed";

        assertProblem(
                scene.http.post(
                        "/api/v1/resolve", "{\"answer\":\"routed\",\"reason\":\"x\"}", JSON),
                409);
    }

    @Test
    void findsAnOperation() {
        UUID id = UUID.randomUUID();
        scene.migration.operation =
                new Operation(
                        id,
                        Kind.ROLLBACK,
                        State.DONE,
                        List.of(
                                new Operation.Step(
                                        "fence", "done", FakeMigration.NOON, 0.25, "2 tables")),
                        List.of(),
                        412L,
                        "The application writes to the source.");

        Answer answer = scene.http.get("/api/v1/operations/" + id);

        JsonNode found = answer.json();
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(found.path("id").asString()).isEqualTo(id.toString());
        assertThat(found.path("state").asString()).isEqualTo("done");
        assertThat(found.path("pauseMs").asInt()).isEqualTo(412);
        assertThat(found.path("steps").path(0).path("seconds").asDouble()).isEqualTo(0.25);
    }

    @Test
    void anUnknownOperationIsNotFoundAndABadIdIsInvalid() {
        Answer unknown = scene.http.get("/api/v1/operations/" + UUID.randomUUID());
        Answer invalid = scene.http.get("/api/v1/operations/latest");

        assertProblem(unknown, 404);
        assertThat(unknown.json().path("title").asString()).isEqualTo("Operation not found");
        assertProblem(invalid, 400);
        assertThat(invalid.json().path("detail").asString()).contains("not a UUID");
    }
}
