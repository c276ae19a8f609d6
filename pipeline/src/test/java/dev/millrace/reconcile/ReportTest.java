package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.parity.QueryReport;
import dev.millrace.parity.SchemaFinding;
import dev.millrace.parity.SchemaParity;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.report.ChunkStrip;
import dev.millrace.reconcile.report.ChunkStrip.Part;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.reconcile.report.ReportFormat;
import java.io.StringReader;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A report in each of its documents.
class ReportTest {

    /// In Markdown a backslash makes the bracket a character.
    private static final String UNESCAPED_TAG = "(?<!\\\\)<script";

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
                true,
                List.of(),
                TableReport.ALL_ROWS,
                List.of());
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
                true,
                List.of(),
                TableReport.ALL_ROWS,
                List.of());
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
                true,
                List.of(),
                TableReport.ALL_ROWS,
                List.of());
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

    private static String page(ReconciliationReport report) {
        return ReportFormat.HTML.write(report, List.of());
    }

    private static Mismatch mismatch(String key) {
        return new Mismatch(
                Map.of("id", key), Kind.DIFFERENT, List.of("full_name", "email"), "nothing");
    }

    @Test
    void theSchemaOfTheTargetIsInTheJsonAndOnThePage() {
        SchemaFinding finding =
                new SchemaFinding(
                        SchemaFinding.Severity.BLOCKS,
                        SchemaFinding.Kind.DEFAULT,
                        "crm.customer." + NASTY,
                        "has no default",
                        "ALTER TABLE x;");
        ReconciliationReport report =
                report(equal("crm.customer")).with(new SchemaParity.Report(List.of(finding), null));

        String json = ReportJson.write(report);
        String page = page(report);

        assertThat(json)
                .contains("\"severity\":\"blocks\",\"kind\":\"default\"")
                .doesNotContain("blocking");
        assertThat(ReportJson.read(json)).hasValue(report);
        assertThat(page)
                .contains("Schema of the target", "has no default", "ALTER TABLE x;")
                .doesNotContain("<script");
        assertThat(page(report.with(new SchemaParity.Report(List.of(), "gone")))).contains("gone");
        assertThat(page(report(equal("crm.customer")))).doesNotContain("id=\"schema\"");
        assertThat(ReportFormat.MARKDOWN.write(report, List.of()))
                .contains("## Schema of the target", "has no default | ALTER TABLE x; |")
                .doesNotContainPattern(UNESCAPED_TAG);
    }

    @Test
    void theSchemaOfTheTargetIsATestCaseOfJunit() throws Exception {
        ReconciliationReport report = report(equal("a.b"));
        SchemaFinding warning =
                new SchemaFinding(
                        SchemaFinding.Severity.WARNING,
                        SchemaFinding.Kind.INDEX,
                        "a.b",
                        "lacks the index i",
                        "CREATE INDEX i;");
        SchemaFinding blocking =
                new SchemaFinding(
                        SchemaFinding.Severity.BLOCKS,
                        SchemaFinding.Kind.DEFAULT,
                        "a.b.c",
                        "has no default",
                        "ALTER x;");

        Element complete = junit(report.with(new SchemaParity.Report(List.of(warning), null)));
        Element blocked =
                junit(report.with(new SchemaParity.Report(List.of(warning, blocking), null)));
        Element unknown = junit(report.with(new SchemaParity.Report(List.of(), "gone")));

        assertThat(counts(complete)).containsExactly("2", "0", "0");
        assertThat(complete.getElementsByTagName("system-out").item(1).getTextContent())
                .contains("warning: a.b lacks the index i. CREATE INDEX i;");
        assertThat(counts(blocked)).containsExactly("2", "1", "0");
        assertThat(blocked.getElementsByTagName("failure").item(0).getTextContent().strip())
                .startsWith("blocks: a.b.c has no default. ALTER x;");
        assertThat(counts(unknown)).containsExactly("2", "0", "1");
    }

    private static Element junit(ReconciliationReport report) throws Exception {
        return suite(ReportFormat.JUNIT.write(report, List.of()));
    }

    private static List<String> counts(Element suite) {
        return List.of(
                suite.getAttribute("tests"),
                suite.getAttribute("failures"),
                suite.getAttribute("errors"));
    }

    static SchemaParity.Report schema() {
        return new SchemaParity.Report(
                List.of(
                        new SchemaFinding(
                                SchemaFinding.Severity.BLOCKS,
                                SchemaFinding.Kind.DEFAULT,
                                "a.b.c",
                                "has no default",
                                "ALTER x;")),
                null);
    }

    static QueryReport query() {
        return new QueryReport(
                "orders",
                "cafe",
                QueryReport.Verdict.UNDECIDED,
                3,
                1,
                1,
                1,
                NASTY,
                false,
                List.of(new QueryReport.Difference(Arrays.asList("7", null), "1 row", "2 rows")),
                new QueryReport.Side(1.25, 2.0, List.of("Index Scan orders_pkey")),
                new QueryReport.Side(null, null, List.of()),
                true,
                0.5);
    }

    @Test
    void theQueriesAreInTheJsonAndOnThePage() {
        ReconciliationReport report = report(equal("crm.customer")).withQueries(List.of(query()));

        String json = ReportJson.write(report);
        String page = page(report);

        assertThat(json)
                .contains("\"verdict\":\"undecided\"", "\"parameters\":[\"7\",null]")
                .doesNotContain("problems");
        assertThat(ReportJson.read(json)).hasValue(report);
        assertThat(page)
                .contains("orders", "3: 1 equal, 1 different, 1 undecided; limit of time reached")
                .contains("p50 1.3 ms, p95 2.0 ms; Index Scan orders_pkey", "p50 unknown")
                .doesNotContain("<script");
        assertThat(ReportFormat.MARKDOWN.write(report, List.of()))
                .contains("## Queries", "| orders | undecided: ", "\\('7', NULL\\) gives 1 row")
                .doesNotContainPattern(UNESCAPED_TAG);
        assertThat(page).contains("('7', NULL) gives 1 row on the source");
        assertThat(ReportJson.read(json.replaceAll("\"queries\":.*", "\"x\":1}")))
                .hasValue(report(equal("crm.customer")));
    }

    @Test
    void aQueryIsATestCaseOfJunit() throws Exception {
        Element suite = junit(report(equal("a.b")).withQueries(List.of(query())));

        assertThat(counts(suite)).containsExactly("2", "0", "1");
        Element query = (Element) suite.getElementsByTagName("testcase").item(1);
        assertThat(query.getAttribute("name")).isEqualTo("query orders");
        assertThat(query.getElementsByTagName("error").item(0).getTextContent())
                .contains("('7', NULL) gives 1 row on the source, 2 rows on the target");
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
                        TableReport.ALL_ROWS,
                        List.of("id"));

        ReconciliationReport read = ReportJson.read(ReportJson.write(report(table))).orElseThrow();

        assertThat(read.tables().getFirst()).isEqualTo(table);
        assertThat(page(read))
                .contains("2 chunks were equal between source positions 0/A0 and 1/0");
    }

    @Test
    void reportsKeysThatWereComparedUsingTheLog() {
        ReconciliationReport report = report(equal("crm.customer"));

        assertThat(page(report)).contains("2 keys kept changing; they were compared using the log");
        assertThat(page(report(undecided("crm.customer")))).doesNotContain("kept changing");
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
                        "start",
                        "schema",
                        "queries");
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
                        "method",
                        "sensitive");
        JsonNode mismatch = table.get("mismatches").get(0);
        assertThat(mismatch.toString())
                .isEqualTo(
                        "{\"key\":{\"id\":\"7\"},\"kind\":\"different\","
                                + "\"columns\":[\"full_name\",\"email\"],\"cause\":\"nothing\","
                                + "\"values\":[]}");
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

        assertThat(page(report(cut)))
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
                false,
                List.of(),
                TableReport.ALL_ROWS,
                List.of());
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
                page(
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
                .contains("&lt;script&gt;alert('x')&lt;/script&gt;&amp;\"\\u{1b}")
                .contains("default-src 'none'");
    }

    @Test
    void pageShowsTheWholeReport() {
        ReconciliationReport report =
                report(
                        equal("crm.customer"),
                        different("crm.order", mismatch("7"), mismatch("8")),
                        undecided("crm.slow"));
        String page = page(report);

        assertThat(page)
                .contains("16/B374D848", "9c0ffee", "2026-03-01 10:00:00 UTC", "1,234,567")
                .contains("≠</span> different", "=</span> equal", "?</span> undecided")
                .contains("<code>id=7</code>", "full_<wbr>name, email", "unknown", "And 1 more.")
                .contains("Undecided: the target did not catch up")
                .contains("3 rows are proven to differ from what their SELECTs give.");
    }

    @Test
    void pageBreaksNamesBetweenWordsAndShowsWholeChecksums() {
        String page = page(report(equal("crm.customer_address"), different("a.b")));

        assertThat(page)
                .contains("crm.<wbr>customer_<wbr>address")
                .contains(
                        "Checksum of both sides <code>" + "0f".repeat(8) + "<wbr>" + "0f".repeat(8))
                .contains("of the target <code>" + "2b".repeat(8) + "<wbr>" + "2b".repeat(8))
                .contains("<dd>1 equal, 1 different</dd>", "<dd>1,234,577</dd>")
                .doesNotContain("overflow-wrap: anywhere");
        assertThat(page(report(equal("a.b"), undecided("c.d"))))
                .as("an unknown number is not summed up")
                .contains("<dt>Rows compared</dt><dd>unknown</dd>");
    }

    @Test
    void pageShowsControlCharactersAsCodePoints() {
        assertThat(page(report(different("crm.\u001b[2J", mismatch("a\r\nb")))))
                .doesNotContain("\u001b")
                .doesNotContain("\r")
                .contains("id=a\\u{d}\\u{a}b");
    }

    @Test
    void everyDocumentNamesEarlierReconciliations() {
        PastVerdict past =
                new PastVerdict(
                        UUID.randomUUID(),
                        "different",
                        Instant.parse("2026-02-28T10:00:00Z"),
                        Instant.parse("2026-02-28T10:00:07Z"));
        ReconciliationReport report = report(equal("a.b"));

        assertThat(ReportFormat.HTML.write(report, List.of(past)))
                .contains("Earlier reconciliations", "2026-02-28 10:00:07 UTC", "7.0 s");
        assertThat(ReportFormat.MARKDOWN.write(report, List.of(past)))
                .contains("| 2026-02-28 10:00:07 UTC | different | 7.0 s |");
        assertThat(page(report)).doesNotContain("Earlier reconciliations");
    }

    @Test
    void everyDocumentSaysWhatWasCompared() {
        String method = "7 touched keys since 2026-03-01T09:00:00Z";
        ReconciliationReport report = report(equal("a.b").by(method), equal("c.d"));

        for (ReportFormat format : ReportFormat.values()) {
            assertThat(format.write(report, List.of()))
                    .as(format.toString())
                    .contains(method, TableReport.ALL_ROWS);
        }
        assertThat(
                        ReportJson.read(ReportFormat.JSON.write(report, List.of()))
                                .orElseThrow()
                                .tables()
                                .getFirst()
                                .method())
                .isEqualTo(method);
    }

    /// Whatever a database contains, a row of a table has its number of cells.
    @Test
    void noTextOfADatabaseIsMarkupOfMarkdown() {
        String hostile = "a|b `c` **d** <img src=x> [e](https://f) \\| www.g.org\n# h";
        String markdown =
                ReportFormat.MARKDOWN.write(
                        report(
                                different(
                                        "crm.t|able",
                                        new Mismatch(
                                                Map.of(hostile, hostile),
                                                Kind.DIFFERENT,
                                                List.of(hostile),
                                                hostile,
                                                List.of(new Cell(hostile, hostile, null))))),
                        List.of());

        List<String> row = markdown.lines().filter(line -> line.startsWith("| a\\|b")).toList();
        assertThat(row).hasSize(1);
        assertThat(row.getFirst().replaceAll("\\\\.", "").chars().filter(c -> c == '|'))
                .as("%s", row)
                .hasSize(7);
        assertThat(row.getFirst().replaceAll("\\\\.", ""))
                .doesNotContain("`", "*", "<", "[", "]", "://", "www.")
                .contains("| NULL |");
        assertThat(markdown).contains("## crm.t\\|able", "\\\\u\\{a\\}");
    }

    @Test
    void aReportThatNoTableExplainsIsAnErrorForJunit() throws Exception {
        ReconciliationReport of = report(equal("a.b"));
        ReconciliationReport cancelled =
                new ReconciliationReport(
                        of.migration(),
                        Verdict.UNDECIDED,
                        of.startedAt(),
                        of.finishedAt(),
                        null,
                        of.specHash(),
                        of.tables(),
                        ReconciliationReport.CANCELLED,
                        null);

        Element suite = suite(ReportFormat.JUNIT.write(cancelled, List.of()));

        assertThat(suite.getAttribute("tests")).isEqualTo("2");
        assertThat(suite.getAttribute("errors")).isEqualTo("1");
        assertThat(suite.getAttribute("failures")).isEqualTo("0");
        assertThat(((Element) suite.getElementsByTagName("error").item(0)).getAttribute("message"))
                .contains("cancelled");
    }

    @Test
    void junitCountsWhatDiffersAndWhatIsUndecided() throws Exception {
        Element suite =
                suite(
                        ReportFormat.JUNIT.write(
                                report(
                                        equal("a.b"),
                                        undecided("c.d"),
                                        different("e.f]]>\uffff", mismatch("]]>"))),
                                List.of()));

        assertThat(suite.getAttribute("tests")).isEqualTo("3");
        assertThat(suite.getAttribute("errors")).isEqualTo("1");
        assertThat(suite.getAttribute("failures")).isEqualTo("1");
        Element failed = (Element) suite.getElementsByTagName("testcase").item(2);
        assertThat(failed.getAttribute("name")).isEqualTo("e.f]]>\\u{ffff}");
        assertThat(failed.getElementsByTagName("failure").item(0).getTextContent())
                .contains("different id=]]>: full_name, email (nothing)", "And 2 more.");
    }

    static Element suite(String xml) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        return (Element)
                factory.newDocumentBuilder()
                        .parse(new InputSource(new StringReader(xml)))
                        .getDocumentElement()
                        .getElementsByTagName("testsuite")
                        .item(0);
    }

    @Test
    void theStripOfChunksShowsWhereTheyDoNotMeet() {
        List<ChunkReport> chunks =
                List.of(
                        new ChunkReport(null, List.of("10"), 10, "0/0", "0/100"),
                        new ChunkReport(List.of("20"), List.of("30"), 30, "0/0", "0/2000000"));

        assertThat(ChunkStrip.of(chunks).parts())
                .extracting(Part::kind)
                .containsExactly("equal-0", "open", "equal-2", "open");
        assertThat(ChunkStrip.of(chunks).parts()).extracting(Part::x).isSorted();
        assertThat(ChunkStrip.of(chunks).label()).isEqualTo("2 equal ranges, 2 gaps");
        assertThat(ChunkStrip.of(List.of(new ChunkReport(null, null, 5, "0/0", "0/0"))).parts())
                .extracting(Part::kind)
                .containsExactly("equal-0");
        assertThat(ChunkStrip.of(List.of()).parts()).isEmpty();
    }

    @Test
    void aStripOfManyChunksKeepsItsGaps() {
        List<ChunkReport> chunks = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            if (i != 2_500) {
                chunks.add(
                        new ChunkReport(
                                i == 0 ? null : List.of("" + i),
                                i == 4_999 ? null : List.of("" + (i + 1)),
                                100,
                                "0/0",
                                "0/0"));
            }
        }

        List<Part> parts = ChunkStrip.of(chunks).parts();

        assertThat(parts).hasSizeBetween(200, 260);
        assertThat(parts).filteredOn(part -> part.kind().equals("open")).hasSize(1);
        assertThat(parts.stream().mapToDouble(Part::width).sum()).isBetween(995.0, 1005.0);
    }
}
