package dev.millrace.reconcile;

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
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The report as one HTML file that needs nothing else: no script, no font, no image, its style
/// inside, so it can be mailed and kept. A verdict is a word and a sign before it is a colour.
/// Everything that comes from a database is escaped. Pure.
public final class ReportPage {

    private static final String STYLE = resource("report.css");

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
        String title =
                "Reconciliation of " + report.migration() + ": " + ReportWords.of(report.verdict());
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
        out.append("<header>\n<h1>Reconciliation of <span class=\"name\">")
                .append(escape(report.migration()))
                .append("</span></h1>\n<p class=\"verdict ")
                .append(ReportWords.of(report.verdict()))
                .append("\">")
                .append(badge(report.verdict()))
                .append(" <span>")
                .append(escape(capital(ReportWords.sentence(report))))
                .append(".</span></p>\n</header>\n<dl>\n");
        fact("Source position", report.sourceLsn() == null ? "unknown" : report.sourceLsn());
        fact("Started", time(report.startedAt()));
        fact("Finished", time(report.finishedAt()));
        fact("Took", String.format(Locale.ROOT, "%,.1f s", took.toMillis() / 1000.0));
        fact("Specification", report.specHash());
        out.append("</dl>\n");
    }

    private void fact(String name, String value) {
        out.append("<div><dt>")
                .append(name)
                .append("</dt><dd>")
                .append(escape(value))
                .append("</dd></div>\n");
    }

    private void tables(ReconciliationReport report) {
        out.append("<section aria-labelledby=\"tables\">\n<h2 id=\"tables\">Tables</h2>\n")
                .append("<div class=\"wide\" tabindex=\"0\" role=\"region\"")
                .append(" aria-labelledby=\"tables\">\n<table>\n<thead><tr>")
                .append("<th scope=\"col\">Target table</th><th scope=\"col\">Verdict</th>");
        for (String name :
                new String[] {
                    "Source rows",
                    "Target rows",
                    "Missing",
                    "Extra",
                    "Different",
                    "In flight",
                    "Seconds"
                }) {
            out.append("<th scope=\"col\" class=\"number\">").append(name).append("</th>");
        }
        out.append("<th scope=\"col\">Checksums</th></tr></thead>\n<tbody>\n");
        report.tables().forEach(this::table);
        out.append("</tbody>\n</table>\n</div>\n")
                .append("<p class=\"note\">Rows and checksums are those of the images as they were")
                .append(" compared. In flight are keys that had to be looked at again because")
                .append(" changes of them were under way.</p>\n</section>\n");
    }

    private void table(TableReport table) {
        out.append("<tr><th scope=\"row\">")
                .append(escape(table.target()))
                .append("</th><td>")
                .append(badge(table.verdict()))
                .append("</td>");
        number(table.sourceRows());
        number(table.targetRows());
        number(table.missing());
        number(table.extra());
        number(table.different());
        number(table.inFlight());
        out.append("<td class=\"number\">")
                .append(String.format(Locale.ROOT, "%,.1f", table.seconds()))
                .append("</td><td class=\"sums\">");
        if (Objects.equals(table.sourceChecksum(), table.targetChecksum())) {
            out.append("both").append(sum(table.sourceChecksum()));
        } else {
            out.append("source").append(sum(table.sourceChecksum()));
            out.append("target").append(sum(table.targetChecksum()));
        }
        out.append("</td></tr>\n");
    }

    private void number(@Nullable Long value) {
        String text = value == null ? "unknown" : String.format(Locale.ROOT, "%,d", value);
        out.append("<td class=\"number")
                .append(value != null && value == 0 ? " zero" : "")
                .append("\">")
                .append(text)
                .append("</td>");
    }

    private void details(TableReport table) {
        if (table.cause() == null && table.mismatches().isEmpty()) {
            return;
        }
        out.append("<section>\n<h2>").append(escape(table.target())).append("</h2>\n");
        if (table.cause() != null) {
            out.append("<p class=\"cause\"><strong>Undecided:</strong> ")
                    .append(escape(table.cause()))
                    .append("</p>\n");
        }
        if (!table.mismatches().isEmpty()) {
            out.append(
                            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Mismatches of ")
                    .append(escape(table.target()))
                    .append("\">\n<table>\n<thead><tr><th scope=\"col\">Key</th>")
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
                .append(escape(ReportWords.key(mismatch)))
                .append("</code></th><td>")
                .append(ReportWords.of(mismatch.kind()))
                .append("</td><td>")
                .append(escape(String.join(", ", mismatch.columns())))
                .append("</td><td>")
                .append(escape(mismatch.cause()))
                .append("</td></tr>\n");
    }

    private void foot() {
        out.append("</main>\n</body>\n</html>\n");
    }

    private static String badge(Verdict verdict) {
        String word = ReportWords.of(verdict);
        String sign =
                switch (verdict) {
                    case EQUAL -> "=";
                    case DIFFERENT -> "≠";
                    case UNDECIDED -> "?";
                };
        return "<strong class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s</strong>"
                .formatted(word, sign, word);
    }

    /// In two halves, between which a line may break.
    private static String sum(@Nullable String checksum) {
        if (checksum == null) {
            return " <code>unknown</code>";
        }
        int half = checksum.length() / 2;
        return " <code>"
                + escape(checksum.substring(0, half))
                + "<wbr>"
                + escape(checksum.substring(half))
                + "</code>";
    }

    private static String time(Instant instant) {
        return TIME.format(instant);
    }

    private static String capital(String sentence) {
        return sentence.substring(0, 1).toUpperCase(Locale.ROOT) + sentence.substring(1);
    }

    private static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        ReportWords.visible(text)
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
