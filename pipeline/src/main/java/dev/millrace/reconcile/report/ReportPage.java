package dev.millrace.reconcile.report;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Writes a report as one self-contained HTML file: no script, no font, no image, inline style, so
/// that it can be mailed and archived. A verdict is shown as a word and a sign, not by colour
/// alone. Every text from a database is escaped. Pure.
public final class ReportPage {

    private static final String STYLE = resource("report.css");

    private static final Pattern WORD_END =
            Pattern.compile("(?<=[_.])(?=\\w)|(?<=[a-z0-9])(?=[A-Z])");

    private static final String UNKNOWN = "unknown";
    private static final int GROUP = 16;

    private static final List<String> NUMBERS =
            List.of(
                    "Source rows",
                    "Target rows",
                    "Missing",
                    "Extra",
                    "Different",
                    "In flight",
                    "Seconds");

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    private final StringBuilder out = new StringBuilder();

    private ReportPage() {}

    public static String write(ReconciliationReport report) {
        ReportPage page = new ReportPage();
        page.head(report);
        page.summary(report);
        page.tables(report);
        report.tables().forEach(page::details);
        page.foot();
        return page.out.toString();
    }

    private void head(ReconciliationReport report) {
        String title = "Reconciliation of " + report.migration() + ": " + report.verdict().word();
        out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append(
                        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';")
                .append(" style-src 'unsafe-inline'\">\n")
                .append(
                        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
                .append("<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
                .append(escape(title))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style>\n</head>\n<body>\n<main>\n");
    }

    private void summary(ReconciliationReport report) {
        Duration took = Duration.between(report.startedAt(), report.finishedAt());
        String word = report.verdict().word();
        out.append("<header>\n<p class=\"kind\">Reconciliation</p>\n<h1>")
                .append(name(report.migration()))
                .append("</h1>\n</header>\n<p class=\"verdict ")
                .append(word)
                .append("\">")
                .append(badge(report.verdict()))
                .append(" <span>")
                .append(escape(capital(ReportText.sentence(report))))
                .append(".</span></p>\n<dl>\n");
        fact("Tables", escape(verdictCounts(report)));
        fact("Rows compared", escape(rows(report)));
        fact("Started", time(report.startedAt()));
        fact("Finished", time(report.finishedAt()));
        fact("Took", String.format(Locale.ROOT, "%,.1f s", took.toMillis() / 1000.0));
        fact("Source position", report.sourceLsn() == null ? "unknown" : code(report.sourceLsn()));
        fact("Specification", code(report.specHash()));
        out.append("</dl>\n");
    }

    private static String verdictCounts(ReconciliationReport report) {
        Map<Verdict, Long> counts =
                report.tables().stream()
                        .collect(
                                Collectors.groupingBy(
                                        TableReport::verdict,
                                        () -> new EnumMap<>(Verdict.class),
                                        Collectors.counting()));
        return counts.entrySet().stream()
                .map(
                        count ->
                                String.format(
                                        Locale.ROOT,
                                        "%,d %s",
                                        count.getValue(),
                                        count.getKey().word()))
                .collect(Collectors.joining(", "));
    }

    /// The source's rows; unknown when one side of one table is unknown.
    private static String rows(ReconciliationReport report) {
        long sum = 0;
        for (TableReport table : report.tables()) {
            Long rows = table.sourceRows();
            if (rows == null || table.targetRows() == null) {
                return UNKNOWN;
            }
            sum += rows;
        }
        return String.format(Locale.ROOT, "%,d", sum);
    }

    /// @param value as HTML
    private void fact(String name, String value) {
        out.append("<div><dt>")
                .append(name)
                .append("</dt><dd>")
                .append(value)
                .append("</dd></div>\n");
    }

    private void tables(ReconciliationReport report) {
        out.append("<section aria-labelledby=\"tables\">\n<h2 id=\"tables\">Tables</h2>\n")
                .append("<div class=\"wide\" tabindex=\"0\" role=\"region\"")
                .append(" aria-labelledby=\"tables\">\n<table class=\"tables\" role=\"table\">\n")
                .append("<thead role=\"rowgroup\"><tr role=\"row\">")
                .append("<th role=\"columnheader\" scope=\"col\">Target table</th>")
                .append("<th role=\"columnheader\" scope=\"col\">Verdict</th>");
        for (String name : NUMBERS) {
            out.append("<th role=\"columnheader\" scope=\"col\" class=\"number\">")
                    .append(name)
                    .append("</th>");
        }
        out.append("</tr></thead>\n");
        report.tables().forEach(this::table);
        out.append("</table>\n</div>\n")
                .append(
                        "<p class=\"note\">Rows and checksums describe the compared rows: the result of the")
                .append(" SELECT on the source, and the content of the target.")
                .append(" In flight: keys that were read again because changes of them were still")
                .append(" being applied.</p>\n</section>\n");
    }

    private void table(TableReport table) {
        out.append(
                        "<tbody role=\"rowgroup\">\n<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">")
                .append(name(table.target()))
                .append("</th><td role=\"cell\">")
                .append(badge(table.verdict()))
                .append("</td>");
        List<@Nullable Long> numbers =
                Arrays.asList(
                        table.sourceRows(),
                        table.targetRows(),
                        table.missing(),
                        table.extra(),
                        table.different(),
                        table.inFlight());
        for (int i = 0; i < numbers.size(); i++) {
            Long value = numbers.get(i);
            cell(
                    NUMBERS.get(i),
                    value == null ? UNKNOWN : String.format(Locale.ROOT, "%,d", value),
                    value != null && value == 0);
        }
        cell(NUMBERS.getLast(), String.format(Locale.ROOT, "%,.1f", table.seconds()), false);
        out.append("</tr>\n<tr role=\"row\" class=\"sums\"><td role=\"cell\" colspan=\"9\">");
        if (Objects.equals(table.sourceChecksum(), table.targetChecksum())) {
            sum("Checksum of both sides", table.sourceChecksum());
        } else {
            sum("Checksum of the source", table.sourceChecksum());
            sum("of the target", table.targetChecksum());
        }
        out.append("</td></tr>\n</tbody>\n");
    }

    private void cell(String label, String text, boolean zero) {
        out.append("<td role=\"cell\" data-label=\"")
                .append(label)
                .append("\" class=\"number")
                .append(zero ? " zero" : "")
                .append("\">")
                .append(text)
                .append("</td>");
    }

    private void sum(String whose, @Nullable String checksum) {
        out.append("<span>")
                .append(whose)
                .append(' ')
                .append(checksum == null ? UNKNOWN : code(checksum))
                .append("</span> ");
    }

    private void details(TableReport table) {
        if (table.cause() == null
                && table.mismatches().isEmpty()
                && table.fromLog() == 0
                && table.chunks().isEmpty()
                && table.method().equals(TableReport.ALL_ROWS)
                && table.complete()) {
            return;
        }
        out.append("<section>\n<h2>").append(name(table.target())).append("</h2>\n");
        if (table.cause() != null) {
            out.append("<p class=\"cause\"><strong>Undecided:</strong> ")
                    .append(escape(table.cause()))
                    .append("</p>\n");
        }
        if (!table.complete()) {
            out.append(
                    String.format(
                            Locale.ROOT,
                            "<p class=\"note\">The comparison of this table stopped at its limit: it has at"
                                    + " least %,d differences.</p>%n",
                            table.differences()));
        }
        if (!table.method().equals(TableReport.ALL_ROWS)) {
            out.append("<p class=\"note\">Compared: ")
                    .append(escape(table.method()))
                    .append("</p>\n");
        }
        if (table.fromLog() > 0) {
            out.append("<p class=\"note\">").append(ReportText.fromLog(table)).append("</p>\n");
        }
        if (!table.chunks().isEmpty()) {
            out.append("<p class=\"note\">").append(ReportText.chunks(table)).append("</p>\n");
        }
        if (!table.mismatches().isEmpty()) {
            out.append(
                            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Differences of ")
                    .append(escape(table.target()))
                    .append("\">\n<table class=\"keys\">\n<thead><tr><th scope=\"col\">Key</th>")
                    .append("<th scope=\"col\">Kind</th><th scope=\"col\">Columns</th>")
                    .append("<th scope=\"col\">Cause</th></tr></thead>\n<tbody>\n");
            table.mismatches().forEach(this::mismatch);
            out.append("</tbody>\n</table>\n</div>\n");
        }
        long more = table.differences() - table.mismatches().size();
        if (more > 0) {
            out.append(String.format(Locale.ROOT, "<p class=\"note\">And %,d more.</p>%n", more));
        }
        out.append("</section>\n");
    }

    private void mismatch(Mismatch mismatch) {
        out.append("<tr><th scope=\"row\"><code>")
                .append(escape(ReportText.key(mismatch)))
                .append("</code></th><td data-label=\"Kind\">")
                .append(mismatch.kind().word())
                .append("</td><td data-label=\"Columns\">")
                .append(
                        mismatch.columns().stream()
                                .map(ReportPage::name)
                                .collect(Collectors.joining(", ")))
                .append("</td><td data-label=\"Cause\">")
                .append(escape(mismatch.cause()))
                .append("</td></tr>\n");
    }

    private void foot() {
        out.append("</main>\n</body>\n</html>\n");
    }

    private static String badge(Verdict verdict) {
        String word = verdict.word();
        String sign =
                switch (verdict) {
                    case EQUAL -> "=";
                    case DIFFERENT -> "≠";
                    case UNDECIDED -> "?";
                };
        return "<strong class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s</strong>"
                .formatted(word, sign, word);
    }

    /// In groups of characters; a line may break only between groups.
    private static String code(String text) {
        StringBuilder html = new StringBuilder("<code>");
        for (int i = 0; i < text.length(); i += GROUP) {
            html.append(i == 0 ? "" : "<wbr>")
                    .append(escape(text.substring(i, Math.min(text.length(), i + GROUP))));
        }
        return html.append("</code>").toString();
    }

    /// A line may break between the words of a name.
    private static String name(String text) {
        return WORD_END.matcher(escape(text)).replaceAll("<wbr>");
    }

    private static String time(Instant instant) {
        return TIME.format(instant);
    }

    private static String capital(String sentence) {
        return sentence.substring(0, 1).toUpperCase(Locale.ROOT) + sentence.substring(1);
    }

    private static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        ReportText.visible(text)
                .chars()
                .forEach(
                        letter -> {
                            switch (letter) {
                                case '&' -> escaped.append("&amp;");
                                case '<' -> escaped.append("&lt;");
                                case '>' -> escaped.append("&gt;");
                                case '"' -> escaped.append("&quot;");
                                case '\'' -> escaped.append("&#39;");
                                default -> escaped.append((char) letter);
                            }
                        });
        return escaped.toString();
    }

    private static String resource(String name) {
        try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
