package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.report.ReportPage;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A report as JSON and as an HTML page.
class ReportTest {

    private static final String NASTY = "<script>alert('x')</script>&\"\u001b[2J\u202e";

    static TableReport equal(String name) {
        return new TableReport(
                name,
                Verdict.EQUAL,
                1_234_567L,
                1_234_567L,
                "0f".repeat(16),
                "0f".repeat(16),
                0,
                0,
                0,
                3,
                2,
                0,
                4.25,
                List.of(),
                null,
                true);
    }

    static TableReport different(String name, Mismatch... mismatches) {
        return new TableReport(
                name,
                Verdict.DIFFERENT,
                10L,
                11L,
                "1a".repeat(16),
                "2b".repeat(16),
                0,
                1,
                2,
                0,
                0,
                0,
                0.5,
                Arrays.asList(mismatches),
                null,
                true);
    }

    static TableReport undecided(String name) {
        return new TableReport(
                name,
                Verdict.UNDECIDED,
                10L,
                null,
                "1a".repeat(16),
                null,
                0,
                0,
                0,
                0,
                0,
                1,
                60,
                List.of(),
                "the target did not catch up in time: the applier makes no progress",
                true);
    }

    static ReconciliationReport report(TableReport... tables) {
        return new ReconciliationReport(
                "shop",
                Verdict.of(List.of(tables)),
                Instant.parse("2026-03-01T10:00:00.123456Z"),
                Instant.parse("2026-03-01T10:01:05Z"),
                "16/B374D848",
                "9c0ffee",
                List.of(tables),
                null,
                null);
    }

    private static Mismatch mismatch(String key) {
        return new Mismatch(
                Map.of("id", key), Kind.DIFFERENT, List.of("full_name", "email"), "nothing");
    }

    @Test
    void chunksAreInTheJsonAndTheirPositionsOnThePage() {
        TableReport of = equal("crm.customer");
        TableReport table =
                new TableReport(
                        of.target(),
                        of.verdict(),
                        of.sourceRows(),
                        of.targetRows(),
                        of.sourceChecksum(),
                        of.targetChecksum(),
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        1,
                        List.of(),
                        null,
                        true,
                        List.of(
                                new ChunkReport(null, List.of("5"), 4, "0/FF", "1/0"),
                                new ChunkReport(List.of("5"), null, 4, "0/A0", "0/B0")),
                        TableReport.ALL_ROWS);

        ReconciliationReport read = ReportJson.read(ReportJson.write(report(table))).orElseThrow();

        assertThat(read.tables().getFirst().chunks()).isEqualTo(table.chunks());
        assertThat(ReportPage.write(read))
                .contains("2 chunks were equal between source positions 0/A0 and 1/0");
    }

    @Test
    void reportsKeysThatWereComparedUsingTheLog() {
        ReconciliationReport report = report(equal("crm.customer"));

        assertThat(ReportPage.write(report))
                .contains("2 keys kept changing; they were compared using the log");
        assertThat(ReportPage.write(report(undecided("crm.customer"))))
                .doesNotContain("kept changing");
    }

    @Test
    void jsonHasTheFieldsOfTheContractInLowerCase() {
        JsonNode json =
                JsonMapper.builder()
                        .build()
                        .readTree(
                                ReportJson.write(report(different("crm.customer", mismatch("7")))));

        assertThat(json.propertyNames())
                .containsExactly(
                        "migration",
                        "verdict",
                        "startedAt",
                        "finishedAt",
                        "sourceLsn",
                        "specHash",
                        "tables",
                        "reason",
                        "start");
        assertThat(json.get("verdict").stringValue()).isEqualTo("different");
        assertThat(json.get("startedAt").stringValue()).isEqualTo("2026-03-01T10:00:00.123456Z");
        JsonNode table = json.get("tables").get(0);
        assertThat(table.propertyNames())
                .containsExactly(
                        "target",
                        "verdict",
                        "sourceRows",
                        "targetRows",
                        "sourceChecksum",
                        "targetChecksum",
                        "missing",
                        "extra",
                        "different",
                        "inFlight",
                        "fromLog",
                        "undecided",
                        "seconds",
                        "mismatches",
                        "cause",
                        "complete",
                        "chunks",
                        "method");
        JsonNode mismatch = table.get("mismatches").get(0);
        assertThat(mismatch.toString())
                .isEqualTo(
                        "{\"key\":{\"id\":\"7\"},\"kind\":\"different\","
                                + "\"columns\":[\"full_name\",\"email\"],\"cause\":\"nothing\"}");
    }

    @Test
    void jsonRoundTrips() {
        ReconciliationReport report =
                report(
                        equal("a.b"),
                        undecided("c.d"),
                        different(
                                "e.f",
                                new Mismatch(
                                        Collections.singletonMap("k", null),
                                        Kind.MISSING,
                                        List.of(),
                                        "why")));

        assertThat(ReportJson.read(ReportJson.write(report))).contains(report);
    }

    @Test
    void readsReportsOfOtherVersionsAndRejectsOtherTexts() {
        String today = ReportJson.write(report(different("e.f", mismatch("1"))));
        String older = today.replace(",\"complete\":true", "").replace(",\"fromLog\":0", "");
        String newer = today.replace("{\"migration\"", "{\"added\":[1],\"migration\"");

        assertThat(older).doesNotContain("complete", "fromLog");
        assertThat(ReportJson.read(older)).contains(report(different("e.f", mismatch("1"))));
        assertThat(ReportJson.read(newer)).contains(report(different("e.f", mismatch("1"))));
        assertThat(ReportJson.read("{\"verdict\":\"perhaps\"}")).isEmpty();
        assertThat(ReportJson.read("{}")).isEmpty();
        assertThat(ReportJson.read("[")).isEmpty();
    }

    @Test
    void incompleteComparisonsGiveALowerBound() {
        TableReport cut = cut(different("e.f", mismatch("1")));

        assertThat(ReportPage.write(report(cut)))
                .contains("At least 3 rows are proven", "it has at least 3 differences");
        assertThat(ReportJson.write(report(cut))).contains("\"complete\":false");
    }

    private static TableReport cut(TableReport whole) {
        return new TableReport(
                whole.target(),
                whole.verdict(),
                whole.sourceRows(),
                whole.targetRows(),
                whole.sourceChecksum(),
                whole.targetChecksum(),
                whole.missing(),
                whole.extra(),
                whole.different(),
                whole.inFlight(),
                whole.fromLog(),
                whole.undecided(),
                whole.seconds(),
                whole.mismatches(),
                whole.cause(),
                false);
    }

    @Test
    void provenDifferenceOutweighsUndecidedAndNoTableIsUndecided() {
        assertThat(Verdict.of(List.of(equal("a.b"), undecided("c.d"), different("e.f"))))
                .isEqualTo(Verdict.DIFFERENT);
        assertThat(Verdict.of(List.of(equal("a.b"), undecided("c.d"))))
                .isEqualTo(Verdict.UNDECIDED);
        assertThat(Verdict.of(List.of(equal("a.b")))).isEqualTo(Verdict.EQUAL);
        assertThat(Verdict.of(List.of())).isEqualTo(Verdict.UNDECIDED);
    }

    @Test
    void pageEscapesTextsOfTheDatabaseAndLoadsNothing() {
        String page =
                ReportPage.write(
                        report(
                                different(
                                        "crm." + NASTY,
                                        new Mismatch(
                                                Map.of(NASTY, NASTY),
                                                Kind.EXTRA,
                                                List.of(NASTY),
                                                NASTY))));

        assertThat(page)
                .doesNotContain("<script")
                .doesNotContain("\u001b")
                .doesNotContain("\u202e")
                .doesNotContain("http://")
                .doesNotContain("https://")
                .doesNotContain("src=")
                .doesNotContain("@import")
                .contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\\u{1b}")
                .contains("default-src &#39;none&#39;".replace("&#39;", "'"));
    }

    @Test
    void pageShowsTheWholeReport() {
        ReconciliationReport report =
                report(
                        equal("crm.customer"),
                        different("crm.order", mismatch("7"), mismatch("8")),
                        undecided("crm.slow"));
        String page = ReportPage.write(report);

        assertThat(page)
                .contains("16/B374D848", "9c0ffee", "2026-03-01 10:00:00 UTC", "1,234,567")
                .contains("≠</span> different", "=</span> equal", "?</span> undecided")
                .contains("<code>id=7</code>", "full_<wbr>name, email", "unknown", "And 1 more.")
                .contains("<strong>Undecided:</strong> the target did not catch up")
                .contains("3 rows are proven to differ from what their SELECTs give.");
    }

    @Test
    void pageBreaksNamesBetweenWordsAndShowsWholeChecksums() {
        String page = ReportPage.write(report(equal("crm.customer_address"), different("a.b")));

        assertThat(page)
                .contains("crm.<wbr>customer_<wbr>address")
                .contains(
                        "Checksum of both sides <code>" + "0f".repeat(8) + "<wbr>" + "0f".repeat(8))
                .contains("of the target <code>" + "2b".repeat(8) + "<wbr>" + "2b".repeat(8))
                .contains("<dd>1 equal, 1 different</dd>", "<dd>1,234,577</dd>")
                .doesNotContain("overflow-wrap: anywhere");
        assertThat(ReportPage.write(report(equal("a.b"), undecided("c.d"))))
                .as("an unknown number is not summed up")
                .contains("<dt>Rows compared</dt><dd>unknown</dd>");
    }

    @Test
    void pageShowsControlCharactersAsCodePoints() {
        assertThat(ReportPage.write(report(different("crm.\u001b[2J", mismatch("a\r\nb")))))
                .doesNotContain("\u001b")
                .doesNotContain("\r")
                .contains("id=a\\u{d}\\u{a}b");
    }
}
