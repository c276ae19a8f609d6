package dev.millrace.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class JournalApiIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @Test
    void anEntrySaysWhoDidWhatWhenAndWhy() {
        Answer answer = scene.http.get("/api/v1/journal");

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode entry = answer.json().path("entries").path(1);
        assertThat(entry.path("number").asLong()).isEqualTo(2);
        assertThat(entry.path("at").asString()).isEqualTo("2026-01-02T12:00:02Z");
        assertThat(entry.path("who").asString()).isEqualTo("ann (unverified)");
        assertThat(entry.path("event").asString()).isEqualTo("pause");
        assertThat(entry.path("what").asString()).isEqualTo("pause");
        assertThat(entry.path("reason").asString()).isEqualTo("peak hour");
        assertThat(entry.path("detail").path("reason").asString()).isEqualTo("peak hour");
        assertThat(entry.path("hash").asString()).hasSize(64);
        assertThat(entry.path("previous").asString()).hasSize(64);
        assertThat(answer.json().path("newest").path("number").asLong()).isEqualTo(3);
    }

    @Test
    void aPageBeginsAfterAnEntry() {
        JsonNode page = scene.http.get("/api/v1/journal?after=1&limit=1").json();

        assertThat(page.path("entries").size()).isOne();
        assertThat(page.path("entries").path(0).path("number").asLong()).isEqualTo(2);
        assertThat(scene.http.get("/api/v1/journal?after=3").json().path("entries").size())
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"after=-1", "after=x", "limit=0", "limit=10001", "limit=x"})
    void aWrongParameterIsRefused(String query) {
        ServiceScene.assertProblem(scene.http.get("/api/v1/journal?" + query), 400);
    }

    @Test
    void theStatusNamesTheNewestEntry() {
        JsonNode newest = scene.http.get("/api/v1/status").json().path("journal");

        assertThat(newest.path("number").asLong()).isEqualTo(3);
        assertThat(newest.path("hash").asString()).hasSize(64);
    }
}
