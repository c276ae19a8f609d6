package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SwitchoverVerbTest {

    private static final String OPEN =
            """
            {"operation":{"kind":"switchover","state":"dryRun","gates":[
              {"name":"lag","value":"0.1 s","limit":"below 5 s","ok":true,"forceable":false,"reason":""}],
              "steps":[{"name":"arm","state":"planned","note":"Create the slot"}],
              "outcome":"Every gate is open."}}""";

    private static final String CLOSED =
            """
            {"operation":{"kind":"switchover","state":"dryRun","gates":[
              {"name":"lag","value":"0.1 s","limit":"below 5 s","ok":true,"forceable":false,"reason":""},
              {"name":"target-privileges","value":"1 missing","limit":"as on the source","ok":false,
               "forceable":true,"reason":"Role app cannot write crm.customer."}],
              "steps":[{"name":"arm","state":"planned","note":"Create the slot"}]}}""";

    private static final String REFUSED =
            """
            {"title":"Refused","status":409,"detail":"Gate verdict is closed: No verdict available."}""";

    private Service service;

    @BeforeEach
    void startService() throws IOException {
        service = new Service();
    }

    @AfterEach
    void stopService() {
        service.close();
    }

    private Invocation run(String... options) {
        String[] arguments = new String[options.length + 3];
        arguments[0] = "switchover";
        arguments[1] = "--url";
        arguments[2] = service.url();
        System.arraycopy(options, 0, arguments, 3, options.length);
        return new Invocation().run(arguments);
    }

    private JsonNode sent() {
        return JsonMapper.shared().readTree(service.requests().getFirst().body());
    }

    @Test
    void aDryRunShowsGatesAndStepsAndAsksNothing() {
        service.json("POST /api/v1/switchover", OPEN);
        Invocation verb = run("--dry-run");

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out().lines())
                .containsExactly(
                        "GATE        VALUE  LIMIT",
                        "lag   open  0.1 s  below 5 s",
                        "",
                        "STEP  STATE",
                        "arm   planned  Create the slot");
        assertThat(sent().path("dryRun").asBoolean()).isTrue();
    }

    @Test
    void aDryRunWithAClosedGateIsRefused() {
        service.json("POST /api/v1/switchover", CLOSED);

        Invocation verb = run("--dry-run");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(verb.out())
                .contains(
                        "target-privileges  CLOSED",
                        "target-privileges: Role app cannot write crm.customer. (can be forced)");
    }

    @Test
    void printsTheOperationAsJson() {
        service.json("POST /api/v1/switchover", OPEN);
        Invocation verb = run("--dry-run", "-o", "json");

        assertThat(JsonMapper.shared().readTree(verb.out()).path("gates").size()).isEqualTo(1);
    }

    @Test
    void needsYesWithoutATerminal() {
        service.json("POST /api/v1/switchover", OPEN);
        Invocation verb = run();

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("--yes").contains("--dry-run");
        assertThat(service.requests()).isEmpty();
    }

    @Test
    void aClosedGateRefusesWithItsReason() {
        service.on("POST /api/v1/switchover", 409, "application/problem+json", REFUSED);

        Invocation verb = run("--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(verb.err()).contains("Gate verdict is closed: No verdict available.");
    }

    @Test
    void sendsCancelAndForcedGates() {
        service.json(
                "POST /api/v1/switchover",
                """
                {"operation":{"id":"1","kind":"switchover","state":"returned","outcome":"x"}}""");
        run("--cancel", "--yes");
        run("--yes", "--force", "target-privileges", "--reason", "the app uses crm_app there");

        JsonNode cancel = JsonMapper.shared().readTree(service.requests().get(0).body());
        JsonNode forced = JsonMapper.shared().readTree(service.requests().get(1).body());
        assertThat(cancel.path("cancel").asBoolean()).isTrue();
        assertThat(cancel.path("dryRun").asBoolean()).isFalse();
        assertThat(forced.path("force").path(0).asString()).isEqualTo("target-privileges");
        assertThat(forced.path("reason").asString()).isEqualTo("the app uses crm_app there");
    }

    @Test
    void refusesOptionsThatDoNotFit() {
        service.json("POST /api/v1/switchover", OPEN);
        assertThat(run("--cancel", "--dry-run").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run("--force", "lag", "--yes").err()).contains("--reason");
        assertThat(service.requests()).isEmpty();
    }
}
