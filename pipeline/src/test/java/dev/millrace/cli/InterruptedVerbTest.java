package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.JavaCommand;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Runs the program as a process that receives Ctrl-C.
class InterruptedVerbTest {

    @Test
    void anInterruptCancelsTheComparisonAndTheVerdictIsUndecided() throws Exception {
        try (Service service = new Service()) {
            service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                    .json("GET /api/v1/reconciliations/1", "{\"state\":\"running\"}")
                    .json(
                            "DELETE /api/v1/reconciliations/1",
                            "{\"migration\":\"shop\",\"verdict\":\"undecided\","
                                    + "\"reason\":\"cancelled\",\"tables\":[]}");
            List<String> command =
                    JavaCommand.of(
                                    "-Dslf4j.provider=org.slf4j.helpers.NOP_FallbackServiceProvider",
                                    "-Dslf4j.internal.verbosity=ERROR")
                            .main("dev.millrace.app.Main", "reconcile", "--url", service.url());
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try {
                Awaitility.await()
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> asked(service, "GET /api/v1/reconciliations/1"));

                // SIGTERM has the effect of Ctrl-C and works even if SIGINT is ignored in this
                // process.
                new ProcessBuilder("kill", "-TERM", Long.toString(process.pid())).start().waitFor();

                assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
                String output =
                        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertThat(output).contains("shop: undecided", "No verdict available: cancelled");
                assertThat(process.exitValue()).isEqualTo(ExitCode.UNDECIDED);
                assertThat(asked(service, "DELETE /api/v1/reconciliations/1")).isTrue();
            } finally {
                process.destroyForcibly();
            }
        }
    }

    private static boolean asked(Service service, String request) {
        return service.requests().stream().anyMatch(each -> each.line().equals(request));
    }
}
