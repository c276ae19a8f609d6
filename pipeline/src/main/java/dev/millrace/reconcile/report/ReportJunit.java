package dev.millrace.reconcile.report;

import dev.millrace.parity.QueryReport;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.io.StringWriter;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;
import org.jspecify.annotations.Nullable;

/// Writes a report as JUnit XML: a table is a test case, and so are a query and the schema of the
/// target. One that differs is a failure; one that is undecided is an error, so that no reader
/// takes it for equal. Pure.
final class ReportJunit {

    private static final int MISMATCHES = 100;

    private static final DateTimeFormatter TIMESTAMP =
            DateTimeFormatter.ISO_LOCAL_DATE_TIME.withZone(ZoneOffset.UTC);

    private final XMLStreamWriter xml;

    private ReportJunit(XMLStreamWriter xml) {
        this.xml = xml;
    }

    static String write(ReconciliationReport report) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(text);
            new ReportJunit(xml).document(report);
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("A report cannot be written as XML.", e);
        }
        return text.toString();
    }

    private void document(ReconciliationReport report) throws XMLStreamException {
        // A verdict that no table explains: the comparison was cancelled, or there was no table.
        boolean isOfNoTable =
                report.verdict() != Verdict.EQUAL
                        && report.tables().stream()
                                .allMatch(table -> table.verdict() == Verdict.EQUAL);
        Optional<SchemaSection> schema = SchemaSection.of(report);
        QuerySection queries = QuerySection.of(report).orElseGet(() -> new QuerySection(List.of()));
        int cases =
                report.tables().size()
                        + queries.rows().size()
                        + (isOfNoTable ? 1 : 0)
                        + (schema.isPresent() ? 1 : 0);
        long failures =
                count(report, Verdict.DIFFERENT)
                        + queries.count(QueryReport.Verdict.DIFFERENT)
                        + count(schema, SchemaSection.State.BLOCKS);
        long errors =
                count(report, Verdict.UNDECIDED)
                        + queries.count(QueryReport.Verdict.UNDECIDED)
                        + (isOfNoTable ? 1 : 0)
                        + count(schema, SchemaSection.State.UNKNOWN);
        Duration took = Duration.between(report.startedAt(), report.finishedAt());
        xml.writeStartDocument("UTF-8", "1.0");
        line();
        xml.writeStartElement("testsuites");
        totals(report.migration(), cases, failures, errors, took.toMillis() / 1000.0);
        line();
        xml.writeStartElement("testsuite");
        totals(
                "Reconciliation of " + report.migration(),
                cases,
                failures,
                errors,
                took.toMillis() / 1000.0);
        attribute(
                "timestamp", TIMESTAMP.format(report.startedAt().truncatedTo(ChronoUnit.SECONDS)));
        line();
        properties(report);
        for (TableReport table : report.tables()) {
            table(report, table);
        }
        for (QuerySection.Row query : queries.rows()) {
            query(report, query);
        }
        if (schema.isPresent()) {
            schema(report, schema.get());
        }
        if (isOfNoTable) {
            begin(report, "reconciliation", 0);
            problem("error", "undecided", ReportText.sentence(report), List.of());
            end();
        }
        end();
        end();
        xml.writeEndDocument();
    }

    private static long count(ReconciliationReport report, Verdict verdict) {
        return report.tables().stream().filter(table -> table.verdict() == verdict).count();
    }

    private static long count(Optional<SchemaSection> schema, SchemaSection.State state) {
        return schema.filter(each -> each.state() == state).isPresent() ? 1 : 0;
    }

    private void totals(String name, int cases, long failures, long errors, double seconds)
            throws XMLStreamException {
        attribute("name", name);
        attribute("tests", String.valueOf(cases));
        attribute("failures", String.valueOf(failures));
        attribute("errors", String.valueOf(errors));
        attribute("skipped", "0");
        attribute("time", seconds(seconds));
    }

    private void properties(ReconciliationReport report) throws XMLStreamException {
        xml.writeStartElement("properties");
        line();
        for (ReportText.Fact fact : ReportText.facts(report)) {
            xml.writeEmptyElement("property");
            attribute("name", fact.name());
            attribute("value", fact.value());
            line();
        }
        end();
    }

    private void begin(ReconciliationReport report, String name, double seconds)
            throws XMLStreamException {
        xml.writeStartElement("testcase");
        attribute("classname", "millrace." + report.migration());
        attribute("name", name);
        attribute("time", seconds(seconds));
        line();
    }

    private void table(ReconciliationReport report, TableReport table) throws XMLStreamException {
        begin(report, table.target(), table.seconds());
        List<String> notes = ReportText.notes(table);
        switch (table.verdict()) {
            case EQUAL -> {}
            case DIFFERENT ->
                    problem("failure", "different", ReportText.differences(table), lines(table));
            case UNDECIDED ->
                    problem(
                            "error",
                            "undecided",
                            notes.isEmpty() ? "undecided" : notes.getFirst(),
                            lines(table));
        }
        xml.writeStartElement("system-out");
        text(
                ReportText.method(table)
                        + "; source "
                        + side(table.sourceRows(), table.sourceChecksum())
                        + "; target "
                        + side(table.targetRows(), table.targetChecksum()));
        end();
        end();
    }

    private void query(ReconciliationReport report, QuerySection.Row query)
            throws XMLStreamException {
        begin(report, "query " + query.name(), query.seconds());
        switch (query.verdict()) {
            case EQUAL -> {}
            case DIFFERENT -> problem("failure", "different", query.samples(), query.differing());
            case UNDECIDED -> problem("error", "undecided", query.conclusion(), query.differing());
        }
        xml.writeStartElement("system-out");
        text(query.samples() + "; source " + query.source() + "; target " + query.target());
        end();
        end();
    }

    private void schema(ReconciliationReport report, SchemaSection schema)
            throws XMLStreamException {
        begin(report, SchemaSection.TITLE, 0);
        List<String> lines = schema.rows().stream().map(SchemaSection.Row::sentence).toList();
        switch (schema.state()) {
            case COMPLETE -> {
                xml.writeStartElement("system-out");
                for (String each : lines) {
                    text(each);
                    line();
                }
                text(schema.note());
                end();
            }
            case BLOCKS ->
                    problem(
                            "failure",
                            "blocks",
                            "statements that succeed on the source would fail on the target",
                            lines);
            case UNKNOWN -> problem("error", "unknown", schema.note(), lines);
        }
        end();
    }

    private static String side(@Nullable Long rows, @Nullable String checksum) {
        return ReportText.count(rows) + " rows, checksum " + ReportText.checksum(checksum);
    }

    private static List<String> lines(TableReport table) {
        List<String> lines = new ArrayList<>(ReportText.notes(table));
        table.mismatches().stream()
                .limit(MISMATCHES)
                .map(ReportJunit::mismatch)
                .forEach(lines::add);
        long more = table.differences() - Math.min(MISMATCHES, table.mismatches().size());
        if (more > 0) {
            lines.add(ReportText.more(more));
        }
        return lines;
    }

    private static String mismatch(Mismatch mismatch) {
        String what =
                mismatch.values().isEmpty()
                        ? String.join(", ", mismatch.columns())
                        : mismatch.values().stream()
                                .map(cell -> cell(mismatch.kind(), cell))
                                .collect(Collectors.joining(", "));
        return mismatch.kind().word()
                + " "
                + ReportText.key(mismatch)
                + (what.isEmpty() ? "" : ": " + what)
                + " ("
                + mismatch.cause()
                + ")";
    }

    private static String cell(Kind kind, Cell cell) {
        String source = VisibleText.literal(cell.source()) + " on the source";
        String target = VisibleText.literal(cell.target()) + " on the target";
        return cell.column()
                + " is "
                + switch (kind) {
                    case MISSING -> source;
                    case EXTRA -> target;
                    case DIFFERENT -> source + ", " + target;
                };
    }

    private void problem(String element, String type, String message, List<String> lines)
            throws XMLStreamException {
        xml.writeStartElement(element);
        attribute("type", type);
        attribute("message", message);
        for (String each : lines) {
            text(each);
            line();
        }
        end();
    }

    private static String seconds(double seconds) {
        return String.format(Locale.ROOT, "%.3f", seconds);
    }

    private void attribute(String name, String value) throws XMLStreamException {
        xml.writeAttribute(name, VisibleText.of(value));
    }

    private void text(String text) throws XMLStreamException {
        xml.writeCharacters(VisibleText.of(text));
    }

    private void end() throws XMLStreamException {
        xml.writeEndElement();
        line();
    }

    private void line() throws XMLStreamException {
        xml.writeCharacters("\n");
    }
}
