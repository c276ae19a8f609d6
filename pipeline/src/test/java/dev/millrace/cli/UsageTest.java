package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a command refuses by itself: it says why, and sends nothing to the service.
class UsageTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "complete --yes --force usage | --force needs a reason for the journal. | Add --reason and say why the gate may be passed.",
                "resume backfill --yes --accept-schema | --accept-schema is for one table. | Add --table SCHEMA.TABLE.",
                "throttle --yes --rows-per-second -1 | --rows-per-second is -1; it must be at least 1, or 0 for no limit. | ''",
                "log --topic changes --limit 0 | --limit is 0; it must be at least 1. | Set --limit to 1 or more.",
                "rejected skip --yes 7 | A key is skipped only for a reason, which the journal keeps. | Add --reason TEXT."
            })
    void isRefusedBeforeARequest(String command, String message, String remedy) throws Exception {
        try (Service service = new Service()) {
            Invocation verb =
                    new Invocation().run((command + " --url " + service.url()).split(" "));

            assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(verb.err()).contains("millrace: " + message).contains(remedy);
            assertThat(service.requests()).isEmpty();
        }
    }

    @Test
    void aCommandWithoutItsVerbSaysWhichThereAre() {
        Invocation verb = new Invocation().run("rejected");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err())
                .contains("A command is missing.")
                .contains("Run 'millrace rejected list', 'show', 'retry' or 'skip'.");
    }
}
