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

    private static String repair(boolean dryRun, String state, String verdict) {
        return """
               {"id":"%s","kind":"repair","state":"%s","dryRun":%s,"gates":[],"steps":[
                 {"name":"compare","state":"done","note":""}],
                 "tables":[{"target":"crm.note","insert":0,"update":1,"delete":1,"written":2,"differing":1}],
                 "verdict":"%s","outcome":"As asked"}"""
                .formatted(ID, state, dryRun, verdict);
    }

    private void serveKeys() {
        service.json(
                "GET /api/v1/operations/" + ID + "/keys?after=0",
                """
                {"keys":[{"number":1,"target":"crm.note","action":"delete","key":{"id":"7"},
                  "columns":[],"written":true,"differs":false}],"next":1}""");
        service.json(
                "GET /api/v1/operations/" + ID + "/keys?after=1",
                """
                {"keys":[{"number":2,"target":"crm.note","action":"update","key":{"id":"8"},
                  "columns":["text"],"written":true,"differs":true}],"next":null}""");
    }

    @Test
    void theDryRunOfARepairListsEveryKeyAtItsEnd() {
        service.json("POST /api/v1/repair", "{\"operation\":" + repair(true, "running", "") + "}");
        service.json("GET /api/v1/operations/" + ID, repair(true, "dryRun", "different"));
        serveKeys();

        Invocation verb = run("repair", "--dry-run", "--table", "crm.note", "--only", "delete");

        assertThat(verb.exitCode()).as(verb.err()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(verb.out())
                .containsPattern("delete +crm.note +id=7")
                .containsPattern("update +crm.note +id=8 +text")
                .contains("As asked.");
        assertThat(sent().path("tables").path(0).asString()).isEqualTo("crm.note");
        assertThat(sent().path("only").path(0).asString()).isEqualTo("delete");
        assertThat(sent().path("dryRun").asBoolean()).isTrue();
        assertThat(sent().has("limit")).isFalse();
    }

    @Test
    void aRepairShowsWhatStillDiffers() {
        service.json("POST /api/v1/repair", "{\"operation\":" + repair(false, "running", "") + "}");
        service.json("GET /api/v1/operations/" + ID, repair(false, "done", "equal"));
        serveKeys();

        Invocation verb =
                run("repair", "--yes", "--reason", "bug", "--limit", "9", "--rows-per-second", "5");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out()).doesNotContain("id=7").contains("id=8").contains("As asked.");
        assertThat(sent().path("limit").asInt()).isEqualTo(9);
        assertThat(sent().path("rowsPerSecond").asInt()).isEqualTo(5);
    }

    @Test
    void theJsonOfARepairHasAllKeys() {
        service.json("POST /api/v1/repair", "{\"operation\":" + repair(true, "running", "") + "}");
        service.json("GET /api/v1/operations/" + ID, repair(true, "dryRun", "different"));
        serveKeys();

        Invocation verb = run("repair", "--dry-run", "-o", "json");

        JsonNode printed = JsonMapper.shared().readTree(verb.out());
        assertThat(printed.path("keys").size()).isEqualTo(2);
        assertThat(printed.path("verdict").asString()).isEqualTo("different");
    }

    @Test
    void aRepairIsCancelled() {
        service.json("POST /api/v1/repair", "{\"operation\":" + repair(false, "running", "") + "}");
        service.json("GET /api/v1/operations/" + ID, repair(false, "done", "undecided"));

        Invocation verb = run("repair", "--cancel", "--yes");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(sent().path("cancel").asBoolean()).isTrue();
    }

    @Test
    void aRepairWithoutAReasonIsNotSent() {
        Invocation verb = run("repair", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("--reason");
        assertThat(run("repair", "--dry-run", "--cancel").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(service.requests()).isEmpty();
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
