package dev.millrace.bench.report;

import dev.millrace.bench.contestant.CpuTime;
import dev.millrace.bench.report.Sample.Content;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What one contestant reached in one run of one measure. Immutable.
///
/// @param run counts from 1; contestants with the same number ran one after the other
/// @param figures as measured; [#scored] says what counts
/// @param content the comparison of the target; empty if the run failed before it
/// @param failure why the contestant did not finish
public record Sample(
        Measure measure,
        String contestant,
        int run,
        Map<Figure, Double> figures,
        Optional<Content> content,
        Optional<String> failure) {

    public Sample {
        figures = Map.copyOf(figures);
    }

    /// Returns whether the target had exactly the expected rows.
    public boolean isValid() {
        return failure.isEmpty() && content.map(Content::isEqual).orElse(false);
    }

    /// The same with other figures.
    public Sample with(Map<Figure, Double> other) {
        return new Sample(measure, contestant, run, other, content, failure);
    }

    /// The figure that counts. With any difference a rate is zero; a time or a cost then has no
    /// meaning, because less work was done.
    public OptionalDouble scored(Figure figure) {
        Double value = figures.get(figure);
        if (isValid()) {
            return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
        }
        return figure.isMoreBetter() ? OptionalDouble.of(0) : OptionalDouble.empty();
    }

    /// The comparison of a target.
    ///
    /// @param differences missing, additional and different rows
    /// @param complete false if `differences` is a lower bound
    /// @param first the smallest key that differs; 0 if none does
    public record Content(long rows, long differences, boolean complete, long first) {

        boolean isEqual() {
            return differences == 0;
        }

        String text() {
            if (isEqual()) {
                return "equal";
            }
            return (complete ? "" : "at least ")
                    + differences
                    + " of "
                    + rows
                    + " rows differ, the first has key "
                    + first;
        }
    }

    /// What is measured, with its unit.
    public enum Figure {
        RATE("rows/s", true),
        TOTAL_RATE("rows/s with start", true),
        FIRST_ROW("s to the first row", false),
        CPU("CPU µs/row", false),
        CPU_PROGRAM("CPU µs/row, program", false),
        CPU_SOURCE("CPU µs/row, source", false),
        CPU_TARGET("CPU µs/row, target", false),
        P50("p50 ms", false),
        P99("p99 ms", false),
        MAX("max ms", false),
        OFFERED("offered changes/s", true),
        RATE_PER_CORE("rows/s per core of the machine", true),
        EQUAL("s if equal", false),
        TOUCHED("s incremental, 10,000 keys touched", false),
        FEW_DIFFERENT("s with 10 rows different", false),
        MANY_DIFFERENT("s with 10,000 rows different", false),
        ALL_DIFFERENT("s with all rows different", false),
        ALL_TO_EQUAL("all rows different to equal, ratio", false),
        COUNT("s of count(*) on both sides", false),
        MD5("s of md5 of each row's text on both sides", false);

        private final String unit;
        private final boolean moreBetter;

        Figure(String unit, boolean moreBetter) {
            this.unit = unit;
            this.moreBetter = moreBetter;
        }

        String unit() {
            return unit;
        }

        static Optional<Figure> of(String unit) {
            return Arrays.stream(values()).filter(one -> one.unit.equals(unit)).findFirst();
        }

        boolean isMoreBetter() {
            return moreBetter;
        }
    }

    /// Figures of a run of `rows` rows or changes.
    ///
    /// @param seconds from the first row or change to the last
    /// @param totalSeconds from the start of the contestant to the last
    public static Map<Figure, Double> rates(
            long rows, double seconds, double totalSeconds, CpuTime.Usage usage) {
        Map<Figure, Double> figures = new EnumMap<>(Figure.class);
        figures.put(Figure.RATE, rows / seconds);
        figures.put(Figure.TOTAL_RATE, rows / totalSeconds);
        put(figures, Figure.CPU, usage.total(), rows);
        put(figures, Figure.CPU_PROGRAM, usage.program(), rows);
        put(figures, Figure.CPU_SOURCE, usage.source(), rows);
        put(figures, Figure.CPU_TARGET, usage.target(), rows);
        return figures;
    }

    private static void put(
            Map<Figure, Double> figures, Figure figure, OptionalDouble seconds, long rows) {
        seconds.ifPresent(value -> figures.put(figure, value * 1e6 / rows));
    }
}
