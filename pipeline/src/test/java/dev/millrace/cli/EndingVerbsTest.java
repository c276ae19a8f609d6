package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EndingVerbsTest {

    private static final String ID = "6f1e8a52-6f0e-4f43-9b0c-0d3a86a5c001";

    private Service service;

    @BeforeEach
    void startService() throws IOException {
        service = new Service();
    }

    @AfterEach
    void stopService() {
        service.close();
    }

    private Invocation run(String verb, String... options) {
        String[] arguments = new String[options.length + 3];
        arguments[0] = verb;
        arguments[1] = "--url";
        arguments[2] = service.url();
        System.arraycopy(options, 0, arguments, 3, options.length);
        return new Invocation().run(arguments);
    }

    private JsonNode sent() {
        return JsonMapper.shared().readTree(service.requests().getFirst().body());
    }

    private static String operation(String kind, String state, String step) {
        return """
               {"id":"%s","kind":"%s","state":"%s","gates":[],"steps":[
                 {"name":"slots","state":"%s","note":"Found: replication slot millrace_shop (source)."}],
                 "outcome":"The migration is over."}"""
                .formatted(ID, kind, state, step);
    }

    @Test
    void aDryRunListsWhatWouldBeRemoved() {
        service.json(
                "POST /api/v1/abort",
                "{\"operation\":" + operation("abort", "dryRun", "planned") + "}");

        Invocation verb = run("abort", "--dry-run");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out().lines())
                .containsExactly(
                        "STEP   STATE",
                        "slots  planned  Found: replication slot millrace_shop (source).");
        assertThat(sent().path("dryRun").asBoolean()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"abort", "complete"})
    void followsTheStepsToTheEnd(String kind) {
        service.json(
                "POST /api/v1/" + kind,
                "{\"operation\":" + operation(kind, "running", "started") + "}");
        service.json("GET /api/v1/operations/" + ID, operation(kind, "done", "done"));

        Invocation verb = run(kind, "--yes", "--reason", "moved for good");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out())
                .contains("done     slots")
                .contains("The migration is over.")
                .doesNotContain("rollback");
        assertThat(sent().path("reason").asString()).isEqualTo("moved for good");
        assertThat(service.requests().getFirst().key()).isNotEqualTo("null");
    }

    @Test
    void rowsOfATableAreReadAgain() {
        service.json(
                "POST /api/v1/rebackfill",
                "{\"operation\":" + operation("rebackfill", "running", "started") + "}");
        service.json("GET /api/v1/operations/" + ID, operation("rebackfill", "done", "done"));

        Invocation verb = run("rebackfill", "--table", "crm.customer", "--yes");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out()).contains("The migration is over.").doesNotContain("switchover");
        assertThat(sent().path("table").asString()).isEqualTo("crm.customer");
        assertThat(sent().has("force")).isFalse();
    }

    /// A script whose variable is not set must not read every table again.
    @Test
    void anEmptyTableIsSentAsItIs() {
        service.on(
                "POST /api/v1/rebackfill",
                400,
                "application/problem+json",
                "{\"title\":\"Invalid\",\"status\":400,\"detail\":\"'table' is empty.\"}");

        Invocation verb = run("rebackfill", "--table", "", "--yes");

        assertThat(verb.exitCode()).isEqualTo(2);
        assertThat(sent().path("table").asString("none")).isEmpty();
    }

    @Test
    void aRefusalExitsWithThree() {
        service.on(
                "POST /api/v1/abort",
                409,
                "application/problem+json",
                "{\"title\":\"Refused\",\"status\":409,\"detail\":\"Run rollback or complete.\"}");

        Invocation verb = run("abort", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(verb.err()).contains("Run rollback or complete.");
    }

    @Test
    void forceNeedsAReason() {
        Invocation verb = run("complete", "--yes", "--force", "source-unused");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(service.requests()).isEmpty();
    }

    @Test
    void theSuffixOfTheOldTablesIsSent() {
        service.json(
                "POST /api/v1/complete",
                "{\"operation\":" + operation("complete", "dryRun", "planned") + "}");

        run("complete", "--dry-run", "--rename-old", "_old");

        assertThat(sent().path("renameOld").asString()).isEqualTo("_old");
    }

    @Test
    void withoutATerminalItNeedsYes() {
        assertThat(run("abort").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(service.requests()).isEmpty();
    }
}
