package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.MigrationEnd.EndRequest;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EndingApiIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @AfterEach
    void forget() {
        scene.migration.ends.clear();
        scene.migration.refusal = null;
    }

    private static Answer post(Kind kind, String body) {
        return scene.http.post("/api/v1/" + kind.id(), body, JSON);
    }

    @ParameterizedTest
    @EnumSource
    void aDryRunAnswersTheOperation(Kind kind) {
        Answer answer =
                post(kind, "{\"dryRun\":true,\"who\":\"ann\",\"expectedPhase\":\"FAILED\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().path("operation").path("kind").asString()).isEqualTo(kind.id());
        assertThat(answer.json().path("operation").path("state").asString()).isEqualTo("dryRun");
        assertThat(scene.migration.ends)
                .containsExactly(
                        new EndRequest(
                                kind,
                                true,
                                Set.of(),
                                "",
                                Optional.of("ann (unverified)"),
                                Optional.of("FAILED"),
                                Optional.empty(),
                                Optional.empty()));
    }

    @Test
    void anAcceptedEndCanBeReadByItsId() {
        Answer answer = post(Kind.ABORT, "{\"reason\":\"no longer needed\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        String id = answer.json().path("operation").path("id").asString();
        Answer later = scene.http.get("/api/v1/operations/" + id);
        assertThat(later.status()).as(later.body()).isEqualTo(200);
        assertThat(later.json().path("state").asString()).isEqualTo("done");
        assertThat(later.json().path("steps").get(0).path("name").asString()).isEqualTo("slots");
    }

    @Test
    void aForcedGateNeedsAReason() {
        assertProblem(post(Kind.COMPLETE, "{\"force\":[\"source-unused\"]}"), 400);
        assertThat(scene.migration.ends).isEmpty();
    }

    @Test
    void theOldTablesAreRenamedOnlyOnCompletion() {
        assertProblem(post(Kind.ABORT, "{\"renameOld\":\"_old\"}"), 400);
        assertThat(scene.migration.ends).isEmpty();

        assertThat(post(Kind.COMPLETE, "{\"renameOld\":\"_old\"}").status()).isEqualTo(202);
        assertThat(scene.migration.ends.getFirst().renameOld()).contains("_old");
    }

    @Test
    void aRefusalIsAConflict() {
        scene.migration.refusal = "Run rollback or complete";

        Answer answer = post(Kind.ABORT, "{}");

        assertProblem(answer, 409);
        assertThat(answer.body()).contains("Run rollback or complete");
    }
}
