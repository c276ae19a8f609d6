package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class FlowVerbsTest {

    private static final String DONE =
            """
            {"operation":{"kind":"pause","state":"done","outcome":"The backfill is paused"},\
            "backfill":{"paused":true}}\
            """;

    private Service service;

    @BeforeEach
    void startService() throws IOException {
        service = new Service();
        for (String path : new String[] {"pause", "resume", "kill", "throttle"}) {
            service.json("POST /api/v1/" + path, DONE);
        }
    }

    @AfterEach
    void stopService() {
        service.close();
    }

    private JsonNode sent() {
        return JsonMapper.shared().readTree(service.requests().getFirst().body());
    }

    @Test
    void pauseSendsWhatWhyAndWho() {
        Invocation verb =
                new Invocation()
                        .run(
                                "pause",
                                "backfill",
                                "--yes",
                                "--reason",
                                "peak hour",
                                "--expected-phase",
                                "BACKFILLING",
                                "--url",
                                service.url());

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out().lines()).containsExactly("The backfill is paused.");
        assertThat(service.requests().getFirst().line()).isEqualTo("POST /api/v1/pause");
        assertThat(sent())
                .isEqualTo(
                        JsonMapper.shared()
                                .createObjectNode()
                                .put("who", System.getProperty("user.name"))
                                .put("reason", "peak hour")
                                .put("expectedPhase", "BACKFILLING")
                                .put("dryRun", false)
                                .set(
                                        "what",
                                        JsonMapper.shared().createArrayNode().add("backfill")));
    }

    @ParameterizedTest
    @CsvSource({"--rows-per-second=5000,5000", "--rows-per-second=0,0", "--off,0"})
    void throttleSendsTheLimit(String option, long rows) {
        Invocation verb = new Invocation().run("throttle", option, "--yes", "--url", service.url());

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(service.requests().getFirst().line()).isEqualTo("POST /api/v1/throttle");
        assertThat(sent().path("rowsPerSecond").asLong()).isEqualTo(rows);
    }

    @Test
    void throttleOfApplySendsMegabytesAsBytes() {
        Invocation verb =
                new Invocation()
                        .run(
                                "throttle",
                                "apply",
                                "--mb-per-second",
                                "3",
                                "-y",
                                "--url",
                                service.url());

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(sent().path("bytesPerSecond").asLong()).isEqualTo(3 << 20);
        assertThat(sent().path("what").toString()).isEqualTo("[\"apply\"]");
        assertThat(sent().has("rowsPerSecond")).isFalse();
    }

    @Test
    void killIsSentWithItsReason() {
        Invocation verb =
                new Invocation()
                        .run("kill", "--reason", "disk is full", "-y", "--url", service.url());

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(service.requests().getFirst().line()).isEqualTo("POST /api/v1/kill");
        assertThat(sent().path("reason").asString()).isEqualTo("disk is full");
        assertThat(sent().has("what")).isFalse();
    }

    @Test
    void resumeIsSent() {
        new Invocation().run("resume", "backfill", "-y", "--url", service.url());

        assertThat(service.requests().getFirst().line()).isEqualTo("POST /api/v1/resume");
        assertThat(sent().path("what").path(0).asString()).isEqualTo("backfill");
    }

    @Test
    void resumeOfATableIsSent() {
        Invocation verb =
                new Invocation()
                        .run("resume", "--table", "crm.customer", "-y", "--url", service.url());

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(service.requests().getFirst().line()).isEqualTo("POST /api/v1/resume");
        assertThat(sent().path("table").asString()).isEqualTo("crm.customer");
        assertThat(sent().has("what")).isFalse();
    }

    @Test
    void aDryRunIsSentWithoutAQuestionAndSaysThatNothingWasChanged() {
        Invocation verb =
                new Invocation().run("pause", "backfill", "--dry-run", "--url", service.url());

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out()).startsWith("Dry run, nothing was changed.");
        assertThat(sent().path("dryRun").asBoolean()).isTrue();
    }

    @Test
    void asksOnATerminal() {
        String[] verb = {"pause", "backfill", "--url", service.url()};

        Invocation no = new Invocation().answering(false).run(verb);
        assertThat(service.requests()).isEmpty();
        Invocation yes = new Invocation().answering(true).run(verb);

        assertThat(no.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(no.err()).contains("Nothing was changed.");
        assertThat(yes.questions()).containsExactly("Pause backfill (" + service.url() + ")?");
        assertThat(yes.exitCode()).isZero();
        assertThat(service.requests()).hasSize(1);
    }

    @Test
    void changesNothingWithoutATerminalAndWithoutYes() {
        Invocation verb = new Invocation().run("throttle", "--off", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("--yes", "--dry-run");
        assertThat(service.requests()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pause",
                "throttle",
                "throttle --off --rows-per-second 5",
                "throttle --rows-per-second many",
                "pause backfill apply"
            })
    void refusesIncompleteCommands(String words) {
        Invocation verb = new Invocation().run((words + " --yes").split(" "));

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
    }
}
