package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.Waits;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Runs the program as a process that receives Ctrl-C.
class InterruptedVerbTest {

    @Test
    void anInterruptCancelsTheComparisonAndTheVerdictIsUndecided() throws Exception {
        try (Service service = new Service()) {
            String cancel =
                    "DELETE /api/v1/reconciliations/1?who="
                            + URLEncoder.encode(
                                    System.getProperty("user.name"), StandardCharsets.UTF_8);
            service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                    .json("GET /api/v1/reconciliations/1", "{\"state\":\"running\"}")
                    .json(
                            cancel,
                            "{\"migration\":\"shop\",\"verdict\":\"undecided\","
                                    + "\"reason\":\"cancelled\",\"tables\":[]}");

            String output = interrupted(service, "GET /api/v1/reconciliations/1", "reconcile");

            assertThat(output).contains("shop: undecided", "No verdict available: cancelled");
            assertThat(asked(service, cancel)).isTrue();
        }
    }

    @Test
    void anInterruptOnlyStopsFollowingTheSwitchover() throws Exception {
        try (Service service = new Service()) {
            String running = "{\"id\":\"1\",\"kind\":\"switchover\",\"state\":\"running\"}";
            service.on(
                            "POST /api/v1/switchover",
                            202,
                            "application/json",
                            "{\"operation\":" + running + "}")
                    .json("GET /api/v1/operations/1", running);

            String output = interrupted(service, "GET /api/v1/operations/1", "switchover", "--yes");

            assertThat(output)
                    .contains(
                            "The operation continues",
                            "millrace status --url",
                            "millrace switchover --cancel --url");
            assertThat(service.requests().stream().filter(each -> each.line().startsWith("POST")))
                    .hasSize(1);
        }
    }

    /// Interrupts the command after this request, and returns its output.
    private static String interrupted(Service service, String request, String... verb)
            throws Exception {
        List<String> arguments = new ArrayList<>(List.of(verb));
        arguments.addAll(List.of("--url", service.url()));
        List<String> command =
                JavaCommand.of(
                                "-Dslf4j.provider=org.slf4j.helpers.NOP_FallbackServiceProvider",
                                "-Dslf4j.internal.verbosity=ERROR")
                        .main("dev.millrace.app.Main", arguments.toArray(String[]::new));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            Awaitility.await().atMost(Waits.LIMIT).until(() -> asked(service, request));

            // SIGTERM has the effect of Ctrl-C and works even if SIGINT is ignored in this
            // process.
            new ProcessBuilder("kill", "-TERM", Long.toString(process.pid())).start().waitFor();

            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(ExitCode.UNDECIDED);
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } finally {
            process.destroyForcibly();
        }
    }

    private static boolean asked(Service service, String request) {
        return service.requests().stream().anyMatch(each -> each.line().equals(request));
    }
}
