package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Service.Request;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Follows operations whose states the service answers one after the other.
class OperationVerbsTest {

    private static final String ID = "6f1e8a52-6f0e-4f43-9b0c-0d3a86a5c001";
    private static final String GET = "GET /api/v1/operations/" + ID;
    private static final String PLANNED_ROUTE =
            "{\"name\":\"route\",\"state\":\"planned\",\"note\":\"Route the application to the target\"}";
    private static final String STARTED_ROUTE = "{\"name\":\"route\",\"state\":\"started\"}";

    private Service service;

    @BeforeEach
    void startService() throws IOException {
        service = new Service();
    }

    @AfterEach
    void stopService() {
        service.close();
    }

    private Invocation run(String... arguments) {
        String[] all = Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "--url";
        all[arguments.length + 1] = service.url();
        return new Invocation().run(all);
    }

    /// @param end further fields
    private static String operation(String kind, String state, String steps, String end) {
        return "{\"id\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\",\"gates\":[],\"steps\":[%s]%s}"
                .formatted(ID, kind, state, steps, end);
    }

    private Service accept(String path, String kind, String steps) {
        return service.on(
                "POST /api/v1/" + path,
                202,
                "application/json",
                "{\"operation\":" + operation(kind, "running", steps, "") + "}");
    }

    private static String step(String name, String state, String rest) {
        return "{\"name\":\"%s\",\"state\":\"%s\"%s}".formatted(name, state, rest);
    }

    @Test
    void printsEachStepOnceAndThePauseAndTheWayBack() {
        String armed = step("arm", "done", ",\"seconds\":0.8,\"note\":\"2 triggers\"");
        accept("switchover", "switchover", step("arm", "started", "") + "," + PLANNED_ROUTE)
                .json(GET, operation("switchover", "running", armed + "," + PLANNED_ROUTE, ""))
                .json(GET, operation("switchover", "running", armed + "," + STARTED_ROUTE, ""))
                .json(GET, operation("switchover", "running", armed + "," + STARTED_ROUTE, ""))
                .json(
                        GET,
                        operation(
                                "switchover",
                                "done",
                                armed + "," + step("route", "done", ",\"seconds\":0.0125"),
                                ",\"pauseMs\":412,\"outcome\":\"The application writes to the target.\""));

        Invocation verb = run("switchover", "--yes");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out().lines())
                .containsExactly(
                        "Operation "
                                + ID
                                + " (switchover). Ctrl-C stops following it, not the operation.",
                        "started  arm",
                        "done     arm        0.800 s  2 triggers",
                        "started  route      Route the application to the target",
                        "done     route      0.013 s",
                        "The application writes to the target.",
                        "Writes waited for at most 412 ms.",
                        "The way back, without loss, is 'millrace rollback --url "
                                + service.url()
                                + "'.");
    }

    @Test
    void aRollbackNamesTheSource() {
        accept("rollback", "rollback", PLANNED_ROUTE)
                .json(
                        GET,
                        operation(
                                "rollback",
                                "done",
                                "",
                                ",\"pauseMs\":90,\"outcome\":\"The application writes to the source.\""));

        Invocation verb = run("rollback", "--yes");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out())
                .contains("The application writes to the source.", "'millrace switchover --url")
                .doesNotContain("millrace rollback");
    }

    @Test
    void anOperationThatWentBackFailsAndSaysWhy() {
        accept("switchover", "switchover", PLANNED_ROUTE)
                .json(
                        GET,
                        operation(
                                "switchover",
                                "returning",
                                step("fence", "failed", ",\"note\":\"A lock was not granted.\""),
                                ""))
                .json(
                        GET,
                        operation(
                                "switchover",
                                "returned",
                                step("fence", "undone", ""),
                                ",\"pauseMs\":7,\"outcome\":\"A lock was not granted. The application writes to the source.\""));

        Invocation verb = run("switchover", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.out())
                .contains("failed   fence      A lock was not granted.", "undone   fence", "7 ms")
                .doesNotContain("rollback");
        assertThat(verb.err())
                .contains(
                        "The switchover went back: A lock was not granted. The application writes"
                                + " to the source.",
                        "millrace switchover --dry-run --url");
    }

    @Test
    void anUnresolvedOperationAsksItsQuestionAndNamesBothAnswers() {
        accept("switchover", "switchover", PLANNED_ROUTE)
                .json(
                        GET,
                        operation(
                                "switchover",
                                "unresolved",
                                step("route", "failed", ",\"note\":\"Did POST /switch arrive?\""),
                                ",\"outcome\":\"Did POST /switch arrive?\""));

        Invocation verb = run("switchover", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.UNDECIDED);
        assertThat(verb.err())
                .contains(
                        "The switchover is unresolved",
                        "Did POST /switch arrive?",
                        "millrace resolve --answer routed --reason TEXT --url " + service.url(),
                        "millrace resolve --answer not-routed --reason TEXT --url "
                                + service.url());
    }

    @Test
    void aCancelThatReturnsIsDoneAndOneThatComesTooLateFails() {
        accept("switchover", "switchover", "")
                .json(GET, operation("switchover", "returned", "", ",\"outcome\":\"Cancelled.\""))
                .json(GET, operation("switchover", "done", "", ",\"outcome\":\"Moved.\""));

        Invocation cancelled = run("switchover", "--cancel", "--yes");
        Invocation late = run("switchover", "--cancel", "--yes");

        assertThat(cancelled.exitCode()).as(cancelled.err()).isZero();
        assertThat(cancelled.out()).contains("Cancelled.").doesNotContain("rollback");
        assertThat(late.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(late.err()).contains("too late", "Moved.", "millrace rollback");
    }

    @Test
    void jsonIsTheOperationAtItsEnd() {
        accept("switchover", "switchover", STARTED_ROUTE)
                .json(GET, operation("switchover", "running", STARTED_ROUTE, ""))
                .json(GET, operation("switchover", "returned", "", ",\"outcome\":\"Too slow.\""));

        Invocation verb = run("switchover", "--yes", "-o", "json");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(json(verb.out()).path("state").asString()).isEqualTo("returned");
    }

    @Test
    void aLostReplyIsAskedAgainWithTheSameKey() {
        service.loseReply("POST /api/v1/switchover");
        accept("switchover", "switchover", "")
                .json(GET, operation("switchover", "done", "", ",\"outcome\":\"Moved.\""));

        Invocation verb = run("switchover", "--yes");

        List<Request> sent =
                service.requests().stream().filter(each -> each.line().startsWith("POST")).toList();
        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.err()).contains("nothing is begun twice");
        assertThat(sent).hasSize(2);
        assertThat(sent.getFirst().key()).hasSize(36).isEqualTo(sent.getLast().key());
        assertThat(sent.getFirst().body()).isEqualTo(sent.getLast().body());
    }

    @Test
    void eachCommandHasItsOwnKey() {
        accept("switchover", "switchover", "")
                .json(GET, operation("switchover", "done", "", ",\"outcome\":\"Moved.\""));

        run("switchover", "--yes");
        run("switchover", "--yes");

        assertThat(service.requests().stream().filter(each -> each.line().startsWith("POST")))
                .extracting(Request::key)
                .doesNotHaveDuplicates();
    }

    @Test
    void repliesThatStayLostLeaveItOpenWhetherAnythingBegan() {
        service.loseReply("POST /api/v1/rollback");

        Invocation verb = run("rollback", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.UNDECIDED);
        assertThat(verb.err()).contains("not known whether", "millrace status");
    }

    @Test
    void anAnswerIsNotSentTwice() {
        service.loseReply("POST /api/v1/resolve");

        Invocation verb = run("resolve", "--answer", "routed", "--reason", "seen", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(service.requests()).hasSize(1);
    }

    @Test
    void goesOnWhenTheServiceAnswersAgain() {
        accept("switchover", "switchover", "")
                .on(GET, 500, "application/problem+json", "{\"title\":\"Internal error\"}")
                .loseReply(GET)
                .json(GET, operation("switchover", "done", "", ",\"outcome\":\"Moved.\""));

        Invocation verb = run("switchover", "--yes");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.err()).containsOnlyOnce("Waiting for the service");
    }

    @Test
    void aServiceThatStaysAwayLeavesTheEndUnknown() {
        accept("switchover", "switchover", "").loseReply(GET);

        Invocation verb = run("switchover", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.UNDECIDED);
        assertThat(verb.err())
                .contains("The end of the operation " + ID + " is unknown", "millrace status");
        assertThat(verb.pauses().stream().reduce(Duration.ZERO, Duration::plus))
                .isBetween(Duration.ofMinutes(5), Duration.ofMinutes(6));
    }

    @Test
    void anUnknownOperationIsNotAskedForAgain() {
        accept("switchover", "switchover", "")
                .on(GET, 404, "application/problem+json", "{\"title\":\"Operation not found\"}");

        Invocation verb = run("switchover", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("Operation not found");
    }

    @Test
    void sendsTheAnswerWithItsReasonAndFollows() {
        accept("resolve", "switchover", "")
                .json(GET, operation("switchover", "done", "", ",\"outcome\":\"Moved.\""));

        Invocation verb =
                run("resolve", "--answer", "not-routed", "--reason", "the router is old", "--yes");

        JsonNode body = json(service.requests().getFirst().body());
        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out()).contains("Moved.");
        assertThat(body.path("answer").asString()).isEqualTo("not-routed");
        assertThat(body.path("reason").asString()).isEqualTo("the router is old");
    }

    @Test
    void anAnswerNeedsAReasonAndOneOfTheTwoWords() {
        assertThat(run("resolve", "--answer", "routed", "--yes").err()).contains("--reason");
        assertThat(run("resolve", "--answer", "maybe", "--reason", "x", "--yes").exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(run("resolve", "--reason", "x", "--yes").err()).contains("--answer");
        assertThat(service.requests()).isEmpty();
    }

    @Test
    void aDryRunOfAnAnswerShowsTheQuestion() {
        service.json(
                "POST /api/v1/resolve",
                "{\"operation\":"
                        + operation("switchover", "unresolved", "", ",\"outcome\":\"Did it?\"")
                        + "}");

        Invocation verb = run("resolve", "--answer", "routed", "--reason", "seen", "--dry-run");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out()).contains("nothing was changed", "Did it?");
        assertThat(json(service.requests().getFirst().body()).path("dryRun").asBoolean()).isTrue();
    }

    @Test
    void asksBeforeItMovesTheTraffic() {
        Invocation verb = new Invocation().answering(false).run("rollback", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(verb.questions()).singleElement().asString().contains("back to the source");
        assertThat(service.requests()).isEmpty();
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
