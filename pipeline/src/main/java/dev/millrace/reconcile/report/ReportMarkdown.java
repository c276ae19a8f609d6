package dev.millrace.reconcile.report;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Writes a report as Markdown with tables, for a comment or a wiki. No text of a database can end
/// a cell or become markup. Pure.
final class ReportMarkdown {

    /// More mismatches of a table do not fit into a comment; the JSON document has all of them.
    private static final int MISMATCHES = 100;

    private static final Pattern MARKUP = Pattern.compile("[\\\\`*_{}\\[\\]()#+!|<>&~@$]");
    private static final Pattern LINK = Pattern.compile("(?i)(://|www\\.)");

    private final StringBuilder out = new StringBuilder();

    private ReportMarkdown() {}

    static String write(ReconciliationReport report, List<PastVerdict> history) {
        ReportMarkdown document = new ReportMarkdown();
        document.summary(report);
        document.tables(report);
        report.tables().forEach(document::details);
        QuerySection.of(report).ifPresent(document::queries);
        SchemaSection.of(report).ifPresent(document::schema);
        document.history(history);
        return document.out.toString();
    }

    private void summary(ReconciliationReport report) {
        out.append("# Reconciliation of ")
                .append(escape(report.migration()))
                .append(": ")
                .append(report.verdict().word())
                .append("\n\n**")
                .append(report.verdict().word())
                .append("**: ")
                .append(escape(ReportText.sentence(report)))
                .append(".\n\n");
        row("", "");
        out.append("|---|---|\n");
        ReportText.facts(report).forEach(fact -> row(fact.name(), fact.value()));
    }

    private void tables(ReconciliationReport report) {
        out.append("\n## Tables\n\n");
        row(
                Stream.of(
                                Stream.of("Target table", "Verdict", "Method"),
                                ReportText.NUMBERS.stream(),
                                Stream.of("Source checksum", "Target checksum"))
                        .flatMap(cells -> cells)
                        .toArray(String[]::new));
        out.append("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|\n");
        for (TableReport table : report.tables()) {
            Stream<String> numbers =
                    ReportText.numbers(table).stream().map(ReportText.Number::text);
            row(
                    Stream.of(
                                    Stream.of(
                                            table.target(),
                                            table.verdict().word(),
                                            ReportText.method(table)),
                                    numbers,
                                    Stream.of(
                                            ReportText.checksum(table.sourceChecksum()),
                                            ReportText.checksum(table.targetChecksum())))
                            .flatMap(cells -> cells)
                            .toArray(String[]::new));
        }
    }

    private void details(TableReport table) {
        List<String> notes = ReportText.notes(table);
        if (notes.isEmpty() && table.mismatches().isEmpty()) {
            return;
        }
        out.append("\n## ").append(escape(table.target())).append("\n");
        notes.forEach(note -> out.append("\n").append(escape(note)).append("\n"));
        if (!table.mismatches().isEmpty()) {
            out.append('\n');
            row("Key", "Kind", "Column", "Source", "Target", "Cause");
            out.append("|---|---|---|---|---|---|\n");
            table.mismatches().stream().limit(MISMATCHES).forEach(this::mismatch);
        }
        long more = table.differences() - Math.min(MISMATCHES, table.mismatches().size());
        if (more > 0) {
            out.append("\n").append(ReportText.more(more)).append("\n");
        }
    }

    /// One line for each column; the key and the cause are in the first.
    private void mismatch(Mismatch mismatch) {
        if (mismatch.values().isEmpty()) {
            row(
                    ReportText.key(mismatch),
                    mismatch.kind().word(),
                    String.join(", ", mismatch.columns()),
                    "",
                    "",
                    mismatch.cause());
            return;
        }
        for (int i = 0; i < mismatch.values().size(); i++) {
            Cell cell = mismatch.values().get(i);
            row(
                    i == 0 ? ReportText.key(mismatch) : "",
                    i == 0 ? mismatch.kind().word() : "",
                    cell.column(),
                    ReportText.source(mismatch, cell),
                    ReportText.target(mismatch, cell),
                    i == 0 ? mismatch.cause() : "");
        }
    }

    private void queries(QuerySection queries) {
        out.append("\n## ").append(QuerySection.TITLE).append("\n\n");
        row(QuerySection.COLUMNS.toArray(String[]::new));
        out.append("|---|---|---|---|---|---|\n");
        for (QuerySection.Row each : queries.rows()) {
            row(
                    each.name(),
                    each.conclusion(),
                    each.samples(),
                    each.source(),
                    each.target(),
                    String.join("; ", each.differing()));
        }
    }

    private void schema(SchemaSection schema) {
        out.append("\n## ").append(SchemaSection.TITLE).append("\n\n");
        if (schema.rows().isEmpty()) {
            out.append(escape(schema.note())).append("\n");
            return;
        }
        row(SchemaSection.COLUMNS.toArray(String[]::new));
        out.append("|---|---|---|---|\n");
        schema.rows()
                .forEach(
                        each -> row(each.object(), each.severity(), each.finding(), each.remedy()));
    }

    private void history(List<PastVerdict> history) {
        if (history.isEmpty()) {
            return;
        }
        out.append("\n## Earlier reconciliations\n\n");
        row("Finished", "Verdict", "Took");
        out.append("|---|---|---:|\n");
        history.forEach(
                past -> row(ReportText.time(past.finishedAt()), past.verdict(), past.took()));
    }

    private void row(String... cells) {
        out.append(
                        Stream.of(cells)
                                .map(ReportMarkdown::escape)
                                .collect(Collectors.joining(" | ", "| ", " |")))
                .append('\n');
    }

    private static String escape(String text) {
        String plain = MARKUP.matcher(VisibleText.of(text)).replaceAll("\\\\$0");
        return LINK.matcher(plain)
                .replaceAll(
                        link ->
                                link.group().equals("://")
                                        ? "\\\\://"
                                        : link.group().substring(0, 3) + "\\\\.");
    }
}
