package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApproveVerbTest {

    private static final String ID = "00000000-0000-0000-0000-00000000abcd";

    @AutoClose private Service service;

    @BeforeEach
    void start() throws IOException {
        service = new Service();
    }

    private Invocation run(String line) {
        return new Invocation().run((line + " --url " + service.url()).split(" "));
    }

    private static String operation(String kind, String state) {
        return "{\"id\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\",\"gates\":[],\"steps\":[],\"outcome\":\"Done.\"}"
                .formatted(ID, kind, state);
    }

    @ParameterizedTest
    @ValueSource(strings = {"switchover", "rollback", "complete", "abort"})
    void aRequestThatWaitsSaysWhoMustDoWhat(String verb) {
        service.on(
                "POST /api/v1/" + verb,
                202,
                "application/json",
                "{\"operation\":null,\"approval\":{\"id\":\"" + ID + "\",\"expiresAt\":\"T\"}}");

        Invocation asked = run(verb + " --yes");

        assertThat(asked.exitCode()).isEqualTo(ExitCode.UNDECIDED);
        assertThat(asked.err())
                .contains("Nothing has begun yet", "until T", "millrace approve " + ID);
    }

    @Test
    void anApprovalIsFollowedToItsEnd() {
        service.on(
                        "POST /api/v1/approvals/" + ID + "/approve",
                        202,
                        "application/json",
                        "{\"operation\":" + operation("switchover", "running") + "}")
                .json("GET /api/v1/operations/" + ID, operation("switchover", "done"));

        Invocation approved = run("approve " + ID + " --yes");

        assertThat(approved.exitCode()).as(approved.err()).isZero();
        assertThat(approved.out()).contains("Operation " + ID + " (switchover)");
    }

    @Test
    void aRequestIsWithdrawn() {
        service.json(
                "POST /api/v1/approvals/" + ID + "/withdraw",
                "{\"operation\":{\"state\":\"withdrawn\",\"outcome\":\"the request is withdrawn\"}}");

        Invocation withdrawn = run("approve --withdraw " + ID + " --yes");

        assertThat(withdrawn.exitCode()).as(withdrawn.err()).isZero();
        assertThat(withdrawn.out()).contains("the request is withdrawn");
    }

    @Test
    void refusesWhatIsNoId() {
        assertThat(run("approve now --yes").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(service.requests()).isEmpty();
    }
}
