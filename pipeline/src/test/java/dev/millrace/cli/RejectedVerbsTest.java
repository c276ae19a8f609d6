package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RejectedVerbsTest {

    private static final String KEY =
            """
            {"id":7,"table":"crm.customer","key":{"id":"42"},"state":"parked",\
            "cause":"crm.customer: a check constraint is violated (SQLSTATE 23514), constraint nice.",\
            "sqlState":"23514","partition":2,"changesOffset":11,"index":3,"changes":2,"bytes":90,\
            "at":"2026-11-21T06:00:09.5Z","skipped":null,"added":"later"}\
            """;

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
        String[] all = new String[arguments.length + 3];
        all[0] = "rejected";
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        all[all.length - 2] = "--url";
        all[all.length - 1] = service.url();
        return new Invocation().run(all);
    }

    @Test
    void listsTheKeysWithTheirCauses() {
        service.json(
                "GET /api/v1/rejected?limit=1000&table=crm.customer",
                "{\"rejected\":[" + KEY + "]}");

        Invocation verb = run("list", "--table", "crm.customer");

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out())
                .contains("7", "crm.customer", "{\"id\":\"42\"}", "parked", "constraint nice");
    }

    @Test
    void showsTheChangesThatWait() {
        service.json(
                "GET /api/v1/rejected/7",
                "{\"key\":"
                        + KEY
                        + ",\"waiting\":[{\"kind\":\"upsert\",\"changesOffset\":11,\"index\":3,"
                        + "\"values\":{\"id\":\"42\",\"name\":\"hunter2\"},\"unchanged\":[\"note\"]}]}");

        Invocation verb = run("show", "7");

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out())
                .contains("partition 2, offset 11, change 3", "hunter2", "unchanged [\"note\"]");
    }

    @Test
    void aRetryThatLeavesAKeyWaitingFails() {
        service.json(
                "POST /api/v1/rejected/retry",
                """
                {"operation":{"kind":"rejected-retry","state":"done","outcome":"1 keys applied, 1 still wait"},\
                "done":[7],"refused":{"8":"crm.customer: NULL in a NOT NULL column."}}\
                """);

        Invocation verb = run("retry", "--all", "--yes");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.out()).contains("1 keys applied, 1 still wait.", "8  crm.customer: NULL");
    }

    @Test
    void aSkipNeedsAReasonAndIds() {
        Invocation without = run("skip", "7", "--yes");
        assertThat(without.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(without.err()).contains("--reason");

        assertThat(run("skip", "--yes", "--reason", "test").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run("retry", "--yes").exitCode()).isEqualTo(ExitCode.USAGE);
    }
}
