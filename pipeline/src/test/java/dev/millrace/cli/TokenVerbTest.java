package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.access.AccessSetting.Token;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenVerbTest {

    @Test
    void printsATokenAndItsLine() {
        Invocation verb = new Invocation().run("token", "ann", "--role", "operator");

        assertThat(verb.exitCode()).isZero();
        String[] lines = verb.out().split("\n");
        assertThat(lines).hasSize(2);
        assertThat(lines[0]).matches("millrace_[A-Za-z0-9_-]{43}");
        assertThat(lines[1])
                .isEqualTo(
                        "- {name: ann, role: operator, hash: 'sha256:"
                                + Token.hashOf(lines[0])
                                + "'}");
        assertThat(verb.err()).doesNotContain(lines[0]).contains("not shown again");
    }

    @Test
    void everyTokenIsAnother() {
        assertThat(new Invocation().run("token", "ann", "--role", "viewer").out())
                .isNotEqualTo(new Invocation().run("token", "ann", "--role", "viewer").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"token Ann --role viewer", "token ann", "token ann --role admin"})
    void refusesWhatTheFileWouldNotAccept(String line) {
        Invocation verb = new Invocation().run(line.split(" "));

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.out()).isEmpty();
    }
}
