package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.throttle.Throttle.Limit;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Tests pause, resume and throttle over HTTP.
class FlowApiIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @AfterEach
    void forget() {
        scene.migration.changes.clear();
        scene.migration.refusal = null;
    }

    private static Answer post(String verb, String body) {
        return scene.http.post("/api/v1/" + verb, body, JSON);
    }

    @Test
    void answersTheFinishedOperationAndTheSetting() {
        Answer answer =
                post(
                        "pause",
                        "{\"what\":[\"backfill\"],\"reason\":\" peak hour \",\"who\":\"ann\","
                                + "\"expectedPhase\":\"BACKFILLING\"}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().path("operation").path("kind").asString()).isEqualTo("pause");
        assertThat(answer.json().path("operation").path("state").asString()).isEqualTo("done");
        assertThat(answer.json().path("operation").path("outcome").asString()).isNotBlank();
        assertThat(answer.json().path("backfill").path("paused").asBoolean()).isTrue();
        assertThat(answer.json().path("apply").path("killed").isBoolean()).isTrue();
        assertThat(scene.migration.changes)
                .containsExactly(
                        new FlowChange(
                                new Action.Pause(FlowChange.Part.BACKFILL),
                                "peak hour",
                                Optional.of("ann"),
                                Optional.of("BACKFILLING"),
                                false));
    }

    @Test
    void aDryRunIsNamedInTheState() {
        Answer answer = post("resume", "{\"what\":[\"backfill\"],\"dryRun\":true}");

        assertThat(answer.json().path("operation").path("state").asString()).isEqualTo("dryRun");
        assertThat(scene.migration.changes).allMatch(FlowChange::dryRun).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"apply,APPLY", "all,BACKFILL APPLY", "backfill,BACKFILL"})
    void pausesWhatIsNamed(String name, String parts) {
        post("pause", "{\"what\":[\"%s\"]}".formatted(name));
        post("resume", "{\"what\":[\"%s\"]}".formatted(name));

        Set<Part> named =
                Stream.of(parts.split(" ")).map(Part::valueOf).collect(Collectors.toSet());
        assertThat(scene.migration.changes)
                .extracting(FlowChange::action)
                .containsExactly(new Action.Pause(named), new Action.Resume(named));
    }

    @Test
    void killNeedsNoPart() {
        Answer answer = post("kill", "{\"reason\":\"disk is full\"}");

        assertThat(answer.json().path("operation").path("kind").asString()).isEqualTo("kill");
        assertThat(scene.migration.changes)
                .extracting(FlowChange::action)
                .containsExactly(new Action.Kill());
    }

    @Test
    void throttlesAndLiftsTheLimit() {
        post("throttle", "{\"rowsPerSecond\":5000}");
        post("throttle", "{\"what\":[\"backfill\"],\"rowsPerSecond\":0}");
        post("throttle", "{\"what\":[\"apply\"],\"bytesPerSecond\":1048576}");

        assertThat(scene.migration.changes)
                .extracting(FlowChange::action)
                .containsExactly(
                        new Action.Throttle(OptionalLong.of(5_000)),
                        new Action.Throttle(OptionalLong.empty()),
                        new Action.Throttle(Part.APPLY, Limit.ofBytes(1 << 20)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "pause|{}|400|'what' is missing",
                "pause|{\"what\":[\"lunch\"]}|400|Use 'backfill', 'apply' or 'all'",
                "pause|{\"what\":[null]}|400|Use 'backfill', 'apply' or 'all'",
                "pause|{\"what\":[\"backfill\"],\"rowsPerSecond\":5}|400|POST /api/v1/throttle",
                "pause|{\"what\":[\"backfill\"],\"reason\":\"a\\u001b[2J\"}|400|'reason' must be",
                "kill|{\"what\":[\"all\"]}|400|'what' is not allowed here",
                "kill|nothing|400|Send JSON, {\"reason\"",
                "throttle|{\"what\":[\"all\"],\"rowsPerSecond\":5}|400|A limit is of one part",
                "throttle|{\"rowsPerSecond\":5,\"bytesPerSecond\":5}|400|Send either 'rowsPerSecond'",
                "throttle|{\"bytesPerSecond\":-5}|400|Send either 'rowsPerSecond'",
                "pause|{\"what\":[\"apply\"],\"bytesPerSecond\":5}|400|POST /api/v1/throttle",
                "throttle|{}|400|Send either 'rowsPerSecond'",
                "throttle|{\"rowsPerSecond\":-1}|400|Send either 'rowsPerSecond'",
                "resume|{\"table\":\"public.t\",\"what\":[\"backfill\"]}|400|Send either",
                "pause|{\"table\":\"public.t\"}|400|POST /api/v1/resume to continue a stopped table",
                "pause|{\"what\":[\"backfill\"],\"acceptSchema\":true}|400|not allowed here",
                "resume|{\"table\":\"public.t\"}|409|runs no stream",
                "throttle|{\"rows\":1}|400|Send JSON, {\"rowsPerSecond\"",
                "resume|nothing|400|Send JSON, {\"what\""
            })
    void refusesWhatItCannotDo(String verb, String body, int status, String reason) {
        Answer answer = post(verb, body);

        assertProblem(answer, status);
        assertThat(answer.json().path("detail").asString()).contains(reason);
        assertThat(scene.migration.changes).isEmpty();
    }

    @Test
    void aRefusalOfTheMigrationIsAConflict() {
        scene.migration.refusal = "not possible with 'backfill: engine'";

        Answer answer = post("pause", "{\"what\":[\"backfill\"]}");

        assertProblem(answer, 409);
        assertThat(answer.json().path("detail").asString()).contains("backfill: engine");
    }
}
