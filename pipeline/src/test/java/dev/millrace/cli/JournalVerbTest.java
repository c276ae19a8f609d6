package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class JournalVerbTest {

    private static final String NEWEST = ",\"newest\":{\"number\":2,\"hash\":\"bb\"}}";
    private static final String FIRST =
            """
            {"number":1,"at":"2026-11-21T06:00:09.5Z","who":"millrace","phase":"PLANNED","event":"phase",\
            "what":"the phase is PLANNED","reason":null,"detail":{},"previous":"00","hash":"aa"}\
            """;
    private static final String SECOND =
            """
            {"number":2,"at":"2026-11-21T06:01:00Z","who":"ann (unverified)","phase":"BACKFILLING",\
            "event":"pause","what":"the backfill is paused","reason":"peak hour",\
            "detail":{"reason":"peak hour"},"previous":"aa","hash":"bb"}\
            """;

    private Service service;

    @BeforeEach
    void startService() throws IOException {
        service = new Service();
        page(0, FIRST);
        page(1, SECOND);
        page(2, "");
    }

    @AfterEach
    void stopService() {
        service.close();
    }

    private void page(int after, String entries) {
        service.json(
                "GET /api/v1/journal?after=" + after,
                "{\"migration\":\"shop\",\"entries\":[" + entries + "]" + NEWEST);
    }

    @Test
    void eachEntrySaysWhoDidWhatWhenAndWhy() {
        Invocation verb = new Invocation().run("journal", "--url", service.url());

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out().lines())
                .containsExactly(
                        "    1  2026-11-21T06:00:09Z  millrace  phase: the phase is PLANNED",
                        "    2  2026-11-21T06:01:00Z  ann (unverified)  pause: the backfill is paused (reason: peak hour)",
                        "Newest entry: 2, hash bb");
    }

    @Test
    void jsonIsOneObjectWithEveryPage() {
        Invocation verb = new Invocation().run("journal", "-o", "json", "--url", service.url());

        JsonNode journal = JsonMapper.shared().readTree(verb.out());
        assertThat(journal.path("entries").size()).isEqualTo(2);
        assertThat(journal.path("entries").path(1).path("detail").path("reason").asString())
                .isEqualTo("peak hour");
        assertThat(journal.path("newest").path("hash").asString()).isEqualTo("bb");
    }

    @Test
    void followingPrintsEachEntryWhenItArrives() {
        service.json(
                "GET /api/v1/journal?after=2",
                "{\"migration\":\"shop\",\"entries\":[{\"number\":3,\"at\":\"2026-11-21T06:02:00Z\",\"who\":\"bob\",\"phase\":\"BACKFILLING\",\"event\":\"resume\",\"what\":\"\",\"reason\":null,\"detail\":{},\"previous\":\"bb\",\"hash\":\"cc\"}]"
                        + NEWEST);
        service.on(
                "GET /api/v1/journal?after=3",
                401,
                "application/problem+json",
                "{\"title\":\"Token required\",\"detail\":\"Send a token.\"}");

        Invocation verb =
                new Invocation().run("journal", "--follow", "-o", "json", "--url", service.url());

        assertThat(verb.out().lines())
                .hasSize(3)
                .allSatisfy(
                        line ->
                                assertThat(JsonMapper.shared().readTree(line).path("hash"))
                                        .isNotNull());
        assertThat(verb.pauses()).hasSize(1);
        assertThat(verb.exitCode()).isNotZero();
    }
}
