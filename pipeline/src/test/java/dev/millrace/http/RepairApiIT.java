package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.repair.Repair;
import dev.millrace.repair.Repair.Action;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class RepairApiIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @AfterEach
    void forget() {
        scene.migration.repairs.clear();
        scene.migration.cancelled.clear();
        scene.migration.refusal = null;
    }

    private static Answer post(String body) {
        return scene.http.post("/api/v1/repair", body, JSON);
    }

    @Test
    void everyFieldArrives() {
        Answer answer =
                post(
                        "{\"tables\":[\"crm.note\"],\"only\":[\"update\",\"delete\"],\"limit\":9,\"rowsPerSecond\":50,\"reason\":\"a"
                                + " bad script\",\"who\":\"ann\",\"expectedPhase\":\"IN_SYNC\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(scene.migration.repairs)
                .containsExactly(
                        new Repair.Request(
                                List.of("crm.note"),
                                Set.of(Action.UPDATE, Action.DELETE),
                                OptionalLong.of(9),
                                OptionalLong.of(50),
                                false,
                                "a bad script",
                                Optional.of("ann (unverified)"),
                                Optional.of("IN_SYNC"),
                                Optional.empty()));
    }

    @Test
    void theLastOnesAreListedWithoutTheirKeys() {
        JsonNode listed = scene.http.get("/api/v1/repairs").json();

        assertThat(listed.size()).isEqualTo(1);
        assertThat(listed.path(0).path("id").asString()).isEqualTo(FakeMigration.REPAIR.toString());
        assertThat(listed.path(0).path("state").asString()).isEqualTo("done");
        assertThat(listed.path(0).path("reason").asString()).isEqualTo("a script deleted rows");
        assertThat(listed.path(0).has("keys")).isFalse();
    }

    @Test
    void aDryRunNeedsNoReasonAndGoesOnAfterTheReply() {
        Answer answer = post("{\"dryRun\":true}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        JsonNode operation = answer.json().path("operation");
        assertThat(operation.path("kind").asString()).isEqualTo("repair");
        assertThat(operation.path("state").asString()).isEqualTo("running");
        assertThat(operation.path("dryRun").asBoolean()).isTrue();
    }

    @Test
    void theOperationAndItsKeysCanBeReadByItsId() {
        String id =
                post("{\"reason\":\"a bad script\"}")
                        .json()
                        .path("operation")
                        .path("id")
                        .asString();

        JsonNode operation = scene.http.get("/api/v1/operations/" + id).json();
        assertThat(operation.path("verdict").asString()).isEqualTo("different");
        assertThat(operation.path("tables").path(0).path("update").asInt()).isEqualTo(1);
        JsonNode first = scene.http.get("/api/v1/operations/" + id + "/keys?limit=1").json();
        assertThat(first.path("keys").path(0).path("action").asString()).isEqualTo("delete");
        assertThat(first.path("keys").path(0).path("key").path("id").asString()).isEqualTo("7");
        assertThat(first.path("next").asInt()).isEqualTo(1);
        JsonNode rest = scene.http.get("/api/v1/operations/" + id + "/keys?after=1").json();
        assertThat(rest.path("keys").path(0).path("differs").asBoolean()).isTrue();
        assertThat(rest.path("next").isNull()).isTrue();
        assertThat(
                        scene.http
                                .get("/api/v1/operations/" + FakeMigration.REBACKFILL + "/keys")
                                .status())
                .isEqualTo(404);
    }

    @Test
    void aRepairIsCancelled() {
        Answer answer = post("{\"cancel\":true,\"who\":\"ann\",\"reason\":\"too slow\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(scene.migration.cancelled).containsExactly("ann (unverified): too slow");
        assertThat(scene.migration.repairs).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"dryRun\":true,\"cancel\":true}",
                "{\"dryRun\":true,\"tables\":[\"\"]}",
                "{\"dryRun\":true,\"only\":[\"upsert\"]}",
                "{\"dryRun\":true,\"limit\":0}",
                "{\"dryRun\":true,\"rowsPerSecond\":0}",
                "{\"dry\":true}"
            })
    void whatIsNoRequestIsRefused(String body) {
        assertThat(post(body).status()).isEqualTo(400);
        assertThat(scene.migration.repairs).isEmpty();
    }

    @Test
    void whatCannotBeRepairedNowIsRefused() {
        assertThat(post("{\"dryRun\":true,\"tables\":[\"crm.nothing\"]}").status()).isEqualTo(404);
        scene.migration.refusal = "The backfill is not complete";
        Answer answer = post("{\"dryRun\":true}");
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.body()).contains("The backfill is not complete");
    }
}
