package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.rebackfill.Rebackfill;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RebackfillApiIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @AfterEach
    void forget() {
        scene.migration.rebackfills.clear();
        scene.migration.refusal = null;
    }

    private static Answer post(String body) {
        return scene.http.post("/api/v1/rebackfill", body, JSON);
    }

    @Test
    void aDryRunAnswersTheOperation() {
        Answer answer = post("{\"dryRun\":true,\"who\":\"ann\",\"expectedPhase\":\"FAILED\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().path("operation").path("kind").asString()).isEqualTo("rebackfill");
        assertThat(answer.json().path("operation").path("state").asString()).isEqualTo("dryRun");
        assertThat(scene.migration.rebackfills)
                .containsExactly(
                        new Rebackfill.Request(
                                Optional.empty(),
                                "",
                                Optional.of("ann (unverified)"),
                                Optional.of("FAILED"),
                                Optional.empty(),
                                true));
    }

    @Test
    void anAcceptedOperationCanBeReadByItsId() {
        Answer answer = post("{\"table\":\"crm.note\",\"reason\":\"rows were lost\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        String id = answer.json().path("operation").path("id").asString();
        Answer later = scene.http.get("/api/v1/operations/" + id);
        assertThat(later.json().path("state").asString()).isEqualTo("done");
        assertThat(later.json().path("table").asString()).isEqualTo("crm.note");
    }

    @Test
    void whatCannotBeReadAgainIsRefused() {
        assertThat(post("{\"table\":\" \"}").status()).isEqualTo(400);
        assertThat(post("{\"table\":\"crm.nothing\"}").status()).isEqualTo(404);
        Answer unreadable = post("{\"tabel\":\"crm.note\"}");
        assertThat(unreadable.status()).isEqualTo(400);
        assertThat(unreadable.body()).contains("schema.name");
        scene.migration.refusal = "The operation has not ended";
        Answer answer = post("{}");
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.body()).contains("has not ended");
    }
}
