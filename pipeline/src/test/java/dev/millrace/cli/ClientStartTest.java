package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.JavaCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClientStartTest {

    @ParameterizedTest
    @ValueSource(strings = {"schema", "status", "validate", "--help"})
    void clientCommandsLoadNoServiceFramework(String verb)
            throws IOException, InterruptedException {
        List<String> command =
                JavaCommand.of(
                                "-Dslf4j.provider=org.slf4j.helpers.NOP_FallbackServiceProvider",
                                "-Dslf4j.internal.verbosity=ERROR",
                                "-Xlog:class+load:stdout")
                        .main("dev.millrace.app.Main", verb);

        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String loaded = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();

        assertThat(loaded).contains("dev.millrace.cli.Millrace source:");
        assertThat(loaded.lines().filter(ClientStartTest::isOfTheService)).isEmpty();
    }

    private static boolean isOfTheService(String line) {
        return Stream.of(
                        "springframework", "kafka", "debezium", "postgresql.", "logback", "servlet")
                .anyMatch(
                        name ->
                                line.contains("class,load")
                                        && line.split(" source:")[0].contains(name));
    }
}
