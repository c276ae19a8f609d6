package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.millrace.change.TableId;
import dev.millrace.cli.Terminal;
import dev.millrace.cli.text.ReconciliationView;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.reconcile.report.ReportFormat;
import dev.millrace.reconcile.report.ReportSchema;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.w3c.dom.Element;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Each document of one real report: rows that differ, NULL against an empty text, values that are
/// markup elsewhere, and a sensitive column.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RenderingsIT {

    private static final String HOSTILE = "<script>alert(1)</script>]]>|`x`&\"";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final UsersScene scene = new UsersScene();
    private ReconciliationReport report;
    private ReconciliationReport inChunks;

    @BeforeAll
    void compare() {
        scene.sensitive =
                SensitiveColumns.ofTargets(
                        Map.of(new TableId("crm", "customer"), Set.of("amount")));
        scene.write(5, HOSTILE, "987.65");
        scene.write(6, "", "9.00");
        scene.progress.catchUp();
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'other', amount = 123.45 WHERE id = 5",
                "UPDATE crm.customer SET full_name = NULL WHERE id = 6",
                "DELETE FROM crm.customer WHERE id = 7",
                "INSERT INTO crm.customer VALUES (-1, 'stranger', 1)");
        report = scene.reconcile();
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 10_000);
        inChunks = scene.reconcile();
    }

    @AfterAll
    void close() {
        scene.close();
    }

    private String document(ReportFormat format) {
        return format.write(
                report,
                List.of(
                        new PastVerdict(
                                UUID.randomUUID(),
                                "equal",
                                Instant.parse("2026-01-02T12:00:00Z"),
                                Instant.parse("2026-01-02T12:00:04Z"))));
    }

    private List<String> text() {
        return new ReconciliationView(
                        new Terminal(
                                new PrintWriter(new StringWriter()),
                                new PrintWriter(new StringWriter()),
                                Map.of(),
                                InstantSource.system(),
                                false,
                                100))
                .lines(JSON.readTree(ReportFormat.JSON.write(report, List.of())));
    }

    @Test
    void noDocumentShowsASensitiveValue() {
        List<String> documents =
                Stream.concat(
                                Arrays.stream(ReportFormat.values()).map(this::document),
                                Stream.of(String.join("\n", text())))
                        .toList();

        assertThat(documents)
                .hasSize(5)
                .allSatisfy(
                        text ->
                                assertThat(text)
                                        .doesNotContain("987.65", "123.45", "10.50")
                                        .containsPattern("hash:(<wbr>)?[0-9a-f]{16}")
                                        .contains("different"));
    }

    @Test
    void everyFieldOfTheJsonIsInThePublishedSchema() {
        ReconciliationReport whole =
                report.with(ReportTest.schema()).withQueries(List.of(ReportTest.query()));
        for (ReconciliationReport each : List.of(report, inChunks, whole)) {
            String body = ReportFormat.JSON.write(each, List.of());
            ObjectNode served = JSON.createObjectNode().put("id", UUID.randomUUID().toString());
            served.put("state", "finished").setAll((ObjectNode) JSON.readTree(body));

            assertThat(violations(ReportSchema.json(), served)).isEmpty();
            assertThat(violations(closed(), served)).isEmpty();
            served.put("unknown", 1);
            assertThat(violations(closed(), served)).hasSize(1);
        }
        assertThat(inChunks.tables().getFirst().chunks()).isNotEmpty();
    }

    private static List<String> violations(String schema, JsonNode document) {
        Schema compiled =
                SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(schema, InputFormat.JSON);
        return compiled.validate(document.toString(), InputFormat.JSON).stream()
                .map(Object::toString)
                .toList();
    }

    /// The schema without room for further fields.
    private static String closed() {
        JsonNode schema = JSON.readTree(ReportSchema.json());
        close(schema);
        return schema.toString();
    }

    private static void close(JsonNode schema) {
        if (schema instanceof ObjectNode object && object.path("properties").isObject()) {
            object.put("additionalProperties", false);
        }
        schema.forEach(RenderingsIT::close);
    }

    @Test
    void theTextShowsBothSides() {
        assertThat(String.join("\n", text()))
                .containsPattern("id=5 +full_name +'<script>alert\\(1\\)</script>.*' +'other'")
                .containsPattern("id=6 +full_name +'' +NULL")
                .containsPattern("id=7 +full_name +'name 7' +no row")
                .containsPattern("id=7 +amount +'hash:[0-9a-f]{16}' +no row")
                .containsPattern("id=-1 +full_name +no row +'stranger'")
                .contains("values are shown as hashes: amount");
    }

    @Test
    void markdownHasBothSidesInOneRow() {
        assertThat(document(ReportFormat.MARKDOWN).lines())
                .anyMatch(line -> line.contains("| full\\_name | '' | NULL |"))
                .anyMatch(line -> line.contains("\\]\\]\\>\\|\\`x\\`") && line.contains("'other'"))
                .anyMatch(
                        line ->
                                line.startsWith(
                                        "| id=7 | missing | full\\_name | 'name 7' | no row |"))
                .anyMatch(
                        line ->
                                line.startsWith(
                                        "| id=-1 | extra | full\\_name | no row | 'stranger' |"));
    }

    @Test
    void junitIsXmlThatReadsBackTheValues() throws Exception {
        Element suite = ReportTest.suite(document(ReportFormat.JUNIT));

        assertThat(suite.getAttribute("failures")).isEqualTo("1");
        assertThat(suite.getElementsByTagName("failure").item(0).getTextContent())
                .contains("full_name is '" + HOSTILE + "' on the source, 'other' on the target")
                .contains("full_name is '' on the source, NULL on the target")
                .contains("missing id=7: full_name is 'name 7' on the source, amount is 'hash:")
                .contains("extra id=-1: full_name is 'stranger' on the target, amount is 'hash:");
    }

    @Test
    void theHtmlFileLoadsNothingAndRunsNothing() throws Exception {
        String page = document(ReportFormat.HTML);
        Path folder = Files.createDirectories(Path.of("target", "report"));
        Files.writeString(folder.resolve("report.html"), page);
        Files.writeString(
                folder.resolve("chunks.html"), ReportFormat.HTML.write(inChunks, List.of()));

        assertThat(page)
                .doesNotContain("<script", "<link", "<img", "<iframe", "src=", "href=", "url(")
                .doesNotContain("http://", "https://", "@import", "onload")
                .contains("default-src 'none'; style-src 'unsafe-inline'")
                .contains("&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;|`x`&amp;")
                .contains(
                        "Source\"><code>''</code></td><td role=\"cell\" data-label=\"Target\"><code>NULL</code></td>")
                .contains(
                        "Source\"><code>'name 7'</code></td><td role=\"cell\" data-label=\"Target\"><code>no row</code></td>")
                .contains(
                        "Source\"><code>no row</code></td><td role=\"cell\" data-label=\"Target\"><code>'stranger'</code></td>")
                .contains("Earlier reconciliations");
        assertThat(ReportFormat.HTML.write(inChunks, List.of()))
                .contains("<svg", "class=\"open\"", "class=\"equal-0\"");
    }
}
