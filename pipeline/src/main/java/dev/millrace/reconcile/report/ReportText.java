package dev.millrace.reconcile.report;

import dev.millrace.change.Lsn;
import dev.millrace.digest.ServerPosition;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.spec.SpecHash;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The texts of a report. Pure.
final class ReportText {

    /// Characters of a fingerprint that are shown.
    private static final int FINGERPRINT = 16;

    private static final Comparator<Lsn> ORDER = Comparator.naturalOrder();

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    private static final String UNKNOWN = "unknown";

    /// In the place of a value: a text of the database would have quotes.
    private static final String NO_ROW = "no row";

    /// The names of [#numbers].
    static final List<String> NUMBERS =
            List.of(
                    "Source rows",
                    "Target rows",
                    "Missing",
                    "Extra",
                    "Different",
                    "In flight",
                    "Seconds");

    private ReportText() {}

    /// What is true of the whole report.
    record Fact(String name, String value) {}

    /// A number of a table.
    ///
    /// @param value `null` if it is unknown
    record Number(String name, String text, @Nullable Double value) {}

    /// Scope, time, positions and what the verdict is bound to, in the order of every document.
    static List<Fact> facts(ReconciliationReport report) {
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("Tables", verdicts(report)));
        facts.add(new Fact("Rows compared", rows(report)));
        facts.add(new Fact("Started", time(report.startedAt())));
        facts.add(new Fact("Finished", time(report.finishedAt())));
        facts.add(new Fact("Took", took(report)));
        facts.add(
                new Fact(
                        "Source position",
                        report.sourceLsn() == null ? UNKNOWN : report.sourceLsn()));
        facts.add(new Fact("Specification", report.specHash()));
        StartPosition start = report.start();
        facts.add(
                new Fact(
                        "Log",
                        start == null
                                ? UNKNOWN
                                : "generation " + start.generation() + ", " + offsets(start)));
        facts.add(new Fact("Source server", start == null ? UNKNOWN : server(start.source())));
        facts.add(new Fact("Target server", start == null ? UNKNOWN : server(start.target())));
        facts.add(new Fact("Source schema", start == null ? UNKNOWN : schema(start.source())));
        facts.add(new Fact("Target schema", start == null ? UNKNOWN : schema(start.target())));
        return facts;
    }

    private static String took(ReconciliationReport report) {
        Duration took = Duration.between(report.startedAt(), report.finishedAt());
        return String.format(Locale.ROOT, "%,.1f s", took.toMillis() / 1000.0);
    }

    private static String offsets(StartPosition start) {
        return new TreeMap<>(start.changes())
                .entrySet().stream()
                        .map(end -> end.getKey() + ":" + end.getValue())
                        .collect(Collectors.joining(" ", "changes topic from ", ""));
    }

    private static String server(ServerPosition side) {
        String[] parts = side.server().split("/", 2);
        return (parts[0].isEmpty() ? "" : "system " + parts[0] + ", ")
                + (parts.length < 2 || parts[1].isEmpty() ? "" : "timeline " + parts[1] + ", ")
                + "transaction "
                + side.next();
    }

    /// One fingerprint of the definitions of all compared tables.
    private static String schema(ServerPosition side) {
        List<String> tables = new ArrayList<>();
        new TreeMap<>(side.tables())
                .forEach(
                        (name, definition) -> {
                            tables.add(name);
                            tables.add(definition);
                        });
        return SpecHash.Fingerprint.of(tables).substring(0, FINGERPRINT)
                + " ("
                + count((long) side.tables().size())
                + (side.tables().size() == 1 ? " table)" : " tables)");
    }

    private static String verdicts(ReconciliationReport report) {
        Map<Verdict, Long> counts =
                report.tables().stream()
                        .collect(
                                Collectors.groupingBy(
                                        TableReport::verdict,
                                        () -> new EnumMap<>(Verdict.class),
                                        Collectors.counting()));
        return counts.entrySet().stream()
                .map(each -> count(each.getValue()) + " " + each.getKey().word())
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
        return count(sum);
    }

    static List<Number> numbers(TableReport table) {
        List<Number> numbers = new ArrayList<>();
        List<@Nullable Long> values =
                Arrays.asList(
                        table.sourceRows(),
                        table.targetRows(),
                        table.missing(),
                        table.extra(),
                        table.different(),
                        table.inFlight());
        for (int i = 0; i < values.size(); i++) {
            Long value = values.get(i);
            numbers.add(
                    new Number(
                            NUMBERS.get(i),
                            count(value),
                            value == null ? null : value.doubleValue()));
        }
        numbers.add(
                new Number(
                        NUMBERS.getLast(),
                        String.format(Locale.ROOT, "%,.1f", table.seconds()),
                        table.seconds()));
        return numbers;
    }

    static String count(@Nullable Long number) {
        return number == null ? UNKNOWN : String.format(Locale.ROOT, "%,d", number);
    }

    static String checksum(@Nullable String checksum) {
        return checksum == null ? UNKNOWN : checksum;
    }

    static String time(Instant instant) {
        return TIME.format(instant);
    }

    /// How the table was compared.
    static String method(TableReport table) {
        if (!table.method().equals(TableReport.ALL_ROWS)) {
            return table.method();
        }
        return table.chunks().isEmpty()
                ? TableReport.ALL_ROWS
                : TableReport.ALL_ROWS + ", in ranges of the key";
    }

    static String differences(TableReport table) {
        return (table.complete() ? "" : "at least ")
                + count(table.differences())
                + (table.differences() == 1 ? " difference" : " differences");
    }

    static String more(long mismatches) {
        return "And " + count(mismatches) + " more.";
    }

    /// What is to be said of a table besides its numbers and mismatches, each as a sentence.
    static List<String> notes(TableReport table) {
        List<String> notes = new ArrayList<>();
        if (table.cause() != null) {
            notes.add("Undecided: " + table.cause() + ".");
        }
        if (!table.complete()) {
            notes.add(
                    "The comparison of this table stopped at its limit: it has "
                            + differences(table)
                            + ".");
        }
        if (table.fromLog() > 0) {
            notes.add(fromLog(table) + ".");
        }
        if (!table.chunks().isEmpty()) {
            notes.add(chunks(table) + ".");
        }
        if (!table.sensitive().isEmpty()) {
            notes.add("Values are shown as hashes: " + String.join(", ", table.sensitive()) + ".");
        }
        return notes;
    }

    static String sentence(ReconciliationReport report) {
        return switch (report.verdict()) {
            case EQUAL -> "every target table contains exactly what its SELECT gives on the source";
            case DIFFERENT -> {
                long keys = report.tables().stream().mapToLong(TableReport::differences).sum();
                boolean complete = report.tables().stream().allMatch(TableReport::complete);
                yield String.format(
                        Locale.ROOT,
                        (complete ? "" : "at least ")
                                + (keys == 1
                                        ? "%,d row is proven to differ from what its SELECT gives"
                                        : "%,d rows are proven to differ from what their SELECTs give"),
                        keys);
            }
            case UNDECIDED ->
                    ReconciliationReport.CANCELLED.equals(report.reason())
                            ? "the reconciliation was cancelled; the report contains what was found until"
                                    + " then. Reconcile again"
                            : "neither a difference nor equality is proven. Remove the causes below, then"
                                    + " reconcile again";
        };
    }

    static String fromLog(TableReport table) {
        return String.format(
                Locale.ROOT,
                table.fromLog() == 1
                        ? "%,d key kept changing; it was compared using the log"
                        : "%,d keys kept changing; they were compared using the log",
                table.fromLog());
    }

    /// The chunks that were equal, all together.
    static String chunks(TableReport table) {
        return String.format(
                Locale.ROOT,
                table.chunks().size() == 1
                        ? "%,d chunk was equal between source positions %s and %s"
                        : "%,d chunks were equal between source positions %s and %s",
                table.chunks().size(),
                position(table, ChunkReport::after, BinaryOperator.minBy(ORDER)),
                position(table, ChunkReport::before, BinaryOperator.maxBy(ORDER)));
    }

    private static String position(
            TableReport table, Function<ChunkReport, String> of, BinaryOperator<Lsn> outermost) {
        return table.chunks().stream()
                .map(of)
                .map(Lsn::parse)
                .reduce(outermost)
                .map(Lsn::toString)
                .orElse("");
    }

    /// The value on the source as in SQL.
    static String source(Mismatch of, Cell cell) {
        return of.kind() == Kind.EXTRA ? NO_ROW : VisibleText.literal(cell.source());
    }

    /// The value on the target as in SQL.
    static String target(Mismatch of, Cell cell) {
        return of.kind() == Kind.MISSING ? NO_ROW : VisibleText.literal(cell.target());
    }

    static String key(Mismatch mismatch) {
        return mismatch.key().entrySet().stream()
                .map(
                        part ->
                                VisibleText.of(part.getKey())
                                        + "="
                                        + (part.getValue() == null
                                                ? "NULL"
                                                : VisibleText.of(part.getValue())))
                .collect(Collectors.joining(", "));
    }
}
