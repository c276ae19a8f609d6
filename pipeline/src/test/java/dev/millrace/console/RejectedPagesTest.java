package dev.millrace.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.rejected.RejectedKey;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RejectedPagesTest {

    private static final Frame FRAME = Statuses.frame(Statuses.of("IN_SYNC"), Frame.Page.REJECTED);

    private static RejectedKey key(long id) {
        return new RejectedKey(
                id,
                "crm.customer",
                Map.of("name", "<b>Smith</b>"),
                "parked",
                "a check constraint is violated (SQLSTATE 23514)",
                "23514",
                0,
                12,
                3,
                2,
                100,
                Instant.parse("2026-01-02T12:00:00.5Z"),
                null);
    }

    private static String render(String template, Object page) {
        StringOutput out = new StringOutput();
        TemplateEngine.createPrecompiled(ContentType.Html)
                .render("console/" + template + ".jte", Map.of("frame", FRAME, "page", page), out);
        return out.toString();
    }

    @Test
    void aKeyHasItsCauseAndALinkToItsChanges() {
        String page = render("rejected", Rejected.of(List.of(key(7))));

        assertThat(page)
                .contains(
                        "href=\"/rejected/7\"", "name = &lt;b&gt;Smith", "SQLSTATE 23514", "parked")
                .contains("2026-01-02T12:00:00Z")
                .doesNotContain("<b>", "There are more");
    }

    @Test
    void notAllOfVeryManyKeysAreShown() {
        List<RejectedKey> keys =
                IntStream.rangeClosed(1, Rejected.SHOWN + 1).mapToObj(id -> key(id)).toList();

        assertThat(render("rejected", Rejected.of(keys)))
                .contains("There are more", "href=\"/rejected/" + Rejected.SHOWN + "\"")
                .doesNotContain("href=\"/rejected/" + (Rejected.SHOWN + 1) + "\"");
    }

    @Test
    void nullAndUnchangedCannotBeTakenForValues() {
        Map<String, @Nullable String> values = new HashMap<>();
        values.put("a", "NULL");
        values.put("b", null);
        String page =
                render(
                        "rejected-key",
                        RejectedChanges.of(
                                new RejectedKey.Detail(
                                        key(7),
                                        List.of(
                                                new RejectedKey.Change(
                                                        "upsert",
                                                        12,
                                                        3,
                                                        Collections.unmodifiableMap(values),
                                                        List.of("c"))))));

        assertThat(page)
                .contains("<code>NULL</code>", "<em class=\"note\">NULL</em>")
                .contains("<em class=\"note\">unchanged</em>", "offset 12, change 3");
    }
}
