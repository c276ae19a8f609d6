package dev.millrace.reconcile.report;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A report as one self-contained HTML file: no script, no font, no image, inline style, so that it
/// can be mailed, archived and printed. A verdict is shown as a word and a sign, not by colour
/// alone. These are the values of the template `report.jte`, which escapes every text. Immutable.
///
/// @param queries at most one section
/// @param schema at most one
public record ReportPage(
        String migration,
        Badge badge,
        String sentence,
        List<NamedText> facts,
        List<Table> tables,
        List<QuerySection> queries,
        List<SchemaSection> schema,
        List<Past> history) {

    private static final String STYLE = ReportSchema.resource("report.css");

    private static final TemplateEngine TEMPLATES =
            TemplateEngine.createPrecompiled(ContentType.Html);

    private static final Pattern WORD_END =
            Pattern.compile("(?<=[_.])(?=\\w)|(?<=[a-z0-9])(?=[A-Z])");

    private static final Pattern GROUP_END = Pattern.compile("(?<=\\G\\w{16})");

    /// Columns of the table besides the numbers.
    private static final int TEXT_COLUMNS = 3;

    public record Badge(String word, String sign) {

        static Badge of(Verdict verdict) {
            return new Badge(
                    verdict.word(),
                    switch (verdict) {
                        case EQUAL -> "=";
                        case DIFFERENT -> "≠";
                        case UNDECIDED -> "?";
                    });
        }
    }

    public record NamedText(String name, String value) {}

    /// @param kind `zero` for a number that is of no interest
    public record Numeral(String name, String text, String kind) {}

    /// @param more how many mismatches are not listed
    public record Table(
            String target,
            Badge badge,
            String method,
            List<Numeral> numbers,
            List<NamedText> sums,
            List<String> notes,
            List<ChunkStrip.Part> strip,
            String stripLabel,
            List<Difference> mismatches,
            @Nullable String more) {

        public boolean hasDetails() {
            return !notes.isEmpty() || !strip.isEmpty() || !mismatches.isEmpty() || more != null;
        }
    }

    /// @param columns those that differ, if their values are not known
    public record Difference(
            String key, String kind, String columns, String cause, List<Values> values) {}

    public record Values(String column, String source, String target) {}

    public record Past(String finished, Badge badge, String took) {}

    /// @param history earlier reconciliations, the newest first
    static String write(ReconciliationReport report, List<PastVerdict> history) {
        ReportPage page =
                new ReportPage(
                        VisibleText.of(report.migration()),
                        Badge.of(report.verdict()),
                        capital(ReportText.sentence(report)),
                        ReportText.facts(report).stream()
                                .map(
                                        fact ->
                                                new NamedText(
                                                        fact.name(), VisibleText.of(fact.value())))
                                .toList(),
                        report.tables().stream().map(ReportPage::table).toList(),
                        QuerySection.of(report).stream().toList(),
                        SchemaSection.of(report).stream().toList(),
                        history.stream().map(ReportPage::past).toList());
        StringOutput out = new StringOutput();
        TEMPLATES.render("report.jte", page, out);
        return out.toString();
    }

    public String style() {
        return STYLE;
    }

    /// The parts of a name between which a line may break.
    public List<String> words(String name) {
        return List.of(WORD_END.split(name));
    }

    /// The parts of a hash, or of a text that contains one, between which a line may break.
    public List<String> groups(String text) {
        return List.of(GROUP_END.split(text));
    }

    /// The names of the columns with numbers.
    public List<String> numbers() {
        return ReportText.NUMBERS;
    }

    public int columns() {
        return TEXT_COLUMNS + numbers().size();
    }

    public int stripWidth() {
        return ChunkStrip.WIDTH;
    }

    private static Table table(TableReport table) {
        long more = table.differences() - table.mismatches().size();
        ChunkStrip strip = ChunkStrip.of(table.chunks());
        return new Table(
                VisibleText.of(table.target()),
                Badge.of(table.verdict()),
                ReportText.method(table),
                ReportText.numbers(table).stream().map(ReportPage::numeral).toList(),
                sums(table),
                ReportText.notes(table).stream().map(VisibleText::of).toList(),
                strip.parts(),
                strip.label(),
                table.mismatches().stream().map(ReportPage::difference).toList(),
                more > 0 ? ReportText.more(more) : null);
    }

    private static Numeral numeral(ReportText.Number number) {
        boolean isZero = number.value() != null && number.value() == 0;
        return new Numeral(number.name(), number.text(), isZero ? "zero" : "");
    }

    private static List<NamedText> sums(TableReport table) {
        if (Objects.equals(table.sourceChecksum(), table.targetChecksum())) {
            return List.of(
                    new NamedText(
                            "Checksum of both sides", ReportText.checksum(table.sourceChecksum())));
        }
        return Arrays.asList(
                new NamedText(
                        "Checksum of the source", ReportText.checksum(table.sourceChecksum())),
                new NamedText("of the target", ReportText.checksum(table.targetChecksum())));
    }

    private static Difference difference(Mismatch mismatch) {
        List<Values> values = new ArrayList<>();
        for (Cell cell : mismatch.values()) {
            values.add(
                    new Values(
                            VisibleText.of(cell.column()),
                            ReportText.source(mismatch, cell),
                            ReportText.target(mismatch, cell)));
        }
        return new Difference(
                ReportText.key(mismatch),
                mismatch.kind().word(),
                values.isEmpty() ? VisibleText.of(String.join(", ", mismatch.columns())) : "",
                VisibleText.of(capital(mismatch.cause())),
                values);
    }

    private static Past past(PastVerdict past) {
        return new Past(
                ReportText.time(past.finishedAt()),
                Arrays.stream(Verdict.values())
                        .filter(verdict -> verdict.word().equals(past.verdict()))
                        .map(Badge::of)
                        .findFirst()
                        .orElse(Badge.of(Verdict.UNDECIDED)),
                past.took());
    }

    private static String capital(String sentence) {
        return sentence.isEmpty()
                ? sentence
                : sentence.substring(0, 1).toUpperCase(Locale.ROOT) + sentence.substring(1);
    }
}
