package dev.millrace.bench.report;

import dev.millrace.bench.report.Report.Spread;
import dev.millrace.bench.report.Sample.Figure;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// How the rate of the backfill changes as the work grows along one axis. Immutable.
///
/// @param runs the sample of each run, by the value on the axis
public record Growth(Axis axis, Map<Long, List<Sample>> runs) {

    /// What grows.
    public enum Axis {
        /// In multiples of half the rows of the load.
        ROWS(1, 2, 4, 8),
        /// Half the rows of the load, dealt to this number of tables.
        TABLES(1, 10, 100, 500),
        /// Half the rows of the load through this number of partitions of each topic.
        PARTITIONS(1, 4, 12);

        private final List<Long> steps;

        Axis(long... steps) {
            this.steps = Arrays.stream(steps).boxed().toList();
        }

        public List<Long> steps() {
            return steps;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// The rate at each value.
    Map<Long, Spread> curve() {
        Map<Long, Spread> curve = new LinkedHashMap<>();
        runs.forEach(
                (value, samples) -> spread(samples).ifPresent(spread -> curve.put(value, spread)));
        return curve;
    }

    private static Optional<Spread> spread(List<Sample> samples) {
        return Spread.of(
                samples.stream()
                        .flatMapToDouble(sample -> sample.scored(Figure.RATE).stream())
                        .boxed()
                        .toList());
    }

    /// One sentence: the last rate in relation to the first.
    String sentence() {
        Map<Long, Spread> curve = curve();
        if (curve.size() < 2) {
            return "";
        }
        List<Long> values = List.copyOf(curve.keySet());
        List<Spread> rates = List.copyOf(curve.values());
        return String.format(
                Locale.ROOT,
                "With %,d %s the rate is %s of the rate with %,d.",
                values.getLast(),
                axis,
                MarkdownReport.number(
                        rates.getFirst().median() > 0
                                ? rates.getLast().median() / rates.getFirst().median()
                                : 0),
                values.getFirst());
    }

    List<Sample> samples() {
        return runs.values().stream().flatMap(List::stream).toList();
    }
}
