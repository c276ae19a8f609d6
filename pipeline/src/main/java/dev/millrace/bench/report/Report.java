package dev.millrace.bench.report;

import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Stream;

/// The results of a benchmark. Immutable.
///
/// @param runs of each contestant in each measure
/// @param machine of the last run of the benchmark
/// @param settings of every contestant by its name
/// @param profiles of the service, by measure
/// @param times when each measure and each axis of growth was complete, by its name
public record Report(
        List<Measure> measures,
        Load load,
        int runs,
        Machine machine,
        Map<String, Map<String, String>> settings,
        List<Sample> samples,
        List<Growth> growth,
        Map<Measure, Profile> profiles,
        Map<String, Instant> times) {

    private static final String MILLRACE = Product.NAME;
    private static final String PIPE = Peer.COPY_PIPE.toString();
    private static final String NATIVE = Peer.NATIVE.toString();
    private static final String CONNECT = Peer.CONNECT_JDBC.toString();

    public Report {
        measures = List.copyOf(measures);
        samples = List.copyOf(samples);
        growth = List.copyOf(growth);
        times = Map.copyOf(times);
    }

    /// Returns why the figures of another report cannot stand beside these ones; empty if they can.
    /// Those of a reconciliation of another number of rows are not kept.
    public Optional<String> differsFrom(Report other) {
        if (!machine.isLike(other.machine)) {
            return Optional.of("another machine or other versions of the programs");
        }
        if (!load.withReconciledRows(other.load.reconciledRows).equals(other.load)
                || runs != other.runs) {
            return Optional.of("another amount of work or another number of runs");
        }
        return Optional.empty();
    }

    /// Returns this report and what only the earlier one measured.
    public Report keeping(Report earlier) {
        List<Measure> kept =
                earlier.measures.stream()
                        .filter(one -> !measures.contains(one))
                        .filter(
                                one ->
                                        one != Measure.RECONCILE
                                                || load.reconciledRows
                                                        == earlier.load.reconciledRows)
                        .toList();
        Map<String, Map<String, String>> allSettings = new TreeMap<>(earlier.settings);
        allSettings.putAll(settings);
        Map<Measure, Profile> allProfiles = new EnumMap<>(Measure.class);
        kept.stream()
                .filter(earlier.profiles::containsKey)
                .forEach(one -> allProfiles.put(one, earlier.profiles.get(one)));
        allProfiles.putAll(profiles);
        Map<String, Instant> allTimes = new TreeMap<>(earlier.times);
        allTimes.putAll(times);
        return new Report(
                Stream.concat(kept.stream(), measures.stream()).sorted().toList(),
                load,
                runs,
                machine,
                allSettings,
                Stream.concat(
                                earlier.samples.stream()
                                        .filter(one -> kept.contains(one.measure())),
                                samples.stream())
                        .toList(),
                Stream.concat(
                                earlier.growth.stream()
                                        .filter(
                                                one ->
                                                        growth.stream()
                                                                .noneMatch(
                                                                        own ->
                                                                                own.axis()
                                                                                        == one
                                                                                                .axis())),
                                growth.stream())
                        .sorted(Comparator.comparing(Growth::axis))
                        .toList(),
                allProfiles,
                allTimes);
    }

    /// Returns whether every target had exactly the expected rows.
    public boolean isValid() {
        return Stream.concat(
                        samples.stream(), growth.stream().flatMap(one -> one.samples().stream()))
                .allMatch(Sample::isValid);
    }

    /// The amount of work.
    ///
    /// @param rows rows of the backfill
    /// @param changes single-row transactions of the catch-up, and row changes of the stream
    /// @param changingRows rows of the table that these changes update
    /// @param rate changes per second of the latency measure
    /// @param latencySeconds length of the latency measure
    /// @param reconciledRows rows of the reconciliation
    public record Load(
            long rows,
            long changes,
            long changingRows,
            int rate,
            int latencySeconds,
            long reconciledRows) {

        public static final Load FULL =
                new Load(2_000_000, 400_000, 100_000, 1_000, 60, 10_000_000);
        public static final Load QUICK = new Load(500_000, 50_000, 50_000, 1_000, 20, 500_000);

        public Load {
            if (Math.min(Math.min(rows, changes), Math.min(changingRows, reconciledRows)) < 1
                    || Math.min(rate, latencySeconds) < 1) {
                throw new IllegalArgumentException("A load has no zero and no negative part.");
            }
        }

        /// With this number of rows of the backfill and of the reconciliation.
        public Load withRows(long number) {
            return new Load(number, changes, changingRows, rate, latencySeconds, number);
        }

        Load withReconciledRows(long number) {
            return new Load(rows, changes, changingRows, rate, latencySeconds, number);
        }
    }

    /// What is to be reached.
    ///
    /// @param against the contestant whose figure divides; empty if the figure itself counts
    /// @param reach the least that is accepted
    /// @param aim what is aimed at
    public record Target(
            String name,
            Measure measure,
            Figure figure,
            Optional<String> against,
            double reach,
            double aim) {

        public static final List<Target> ALL =
                List.of(
                        new Target(
                                "backfill against the COPY pipe",
                                Measure.BACKFILL,
                                Figure.RATE,
                                Optional.of(PIPE),
                                0.50,
                                0.75),
                        new Target(
                                "backfill against Kafka Connect with the JDBC sink",
                                Measure.BACKFILL,
                                Figure.RATE,
                                Optional.of(CONNECT),
                                8,
                                12),
                        new Target(
                                "CPU per row of all processes against the COPY pipe",
                                Measure.BACKFILL,
                                Figure.CPU,
                                Optional.of(PIPE),
                                1.8,
                                1.3),
                        new Target(
                                "catch-up against native logical replication",
                                Measure.CATCHUP,
                                Figure.RATE,
                                Optional.of(NATIVE),
                                0.6,
                                0.9),
                        new Target(
                                "catch-up against Kafka Connect with the JDBC sink",
                                Measure.CATCHUP,
                                Figure.RATE,
                                Optional.of(CONNECT),
                                4,
                                6),
                        new Target(
                                "latency, p50 in ms",
                                Measure.LATENCY,
                                Figure.P50,
                                Optional.empty(),
                                40,
                                15),
                        new Target(
                                "latency, p99 in ms",
                                Measure.LATENCY,
                                Figure.P99,
                                Optional.empty(),
                                150,
                                60),
                        new Target(
                                "seconds from the start of run to the first row",
                                Measure.BACKFILL,
                                Figure.FIRST_ROW,
                                Optional.empty(),
                                8,
                                4),
                        new Target(
                                "reconcile, rows/s per core",
                                Measure.RECONCILE,
                                Figure.RATE_PER_CORE,
                                Optional.empty(),
                                500_000,
                                750_000),
                        new Target(
                                "incremental reconcile with 10,000 keys touched, s",
                                Measure.RECONCILE,
                                Figure.TOUCHED,
                                Optional.empty(),
                                2,
                                1),
                        new Target(
                                "reconcile with all rows different, times as long as if equal",
                                Measure.RECONCILE,
                                Figure.ALL_TO_EQUAL,
                                Optional.empty(),
                                3,
                                1.5));

        /// Returns whether a value is at least as good as a limit.
        boolean isMet(double value, double limit) {
            return figure.isMoreBetter() ? value >= limit : value <= limit;
        }
    }

    /// A target with what was measured.
    public record Outcome(Target target, Spread spread) {

        /// `aim`, `reach` or `missed`
        public String grade() {
            if (target.isMet(spread.median, target.aim)) {
                return "aim";
            }
            return target.isMet(spread.median, target.reach) ? "reach" : "missed";
        }
    }

    /// The targets whose measures and contestants took part.
    public List<Outcome> outcomes() {
        return Target.ALL.stream()
                .flatMap(
                        target ->
                                spreadOf(target).stream()
                                        .map(spread -> new Outcome(target, spread)))
                .toList();
    }

    /// A ratio is taken within each run, so that what disturbs the machine for a minute disturbs
    /// both sides of it.
    private Optional<Spread> spreadOf(Target target) {
        List<Double> values = new ArrayList<>();
        for (Sample sample : samples) {
            if (sample.measure() == target.measure && sample.contestant().equals(MILLRACE)) {
                OptionalDouble own = sample.scored(target.figure);
                OptionalDouble other =
                        target.against.isEmpty()
                                ? OptionalDouble.of(1)
                                : samples.stream()
                                        .filter(
                                                one ->
                                                        one.measure() == target.measure
                                                                && one.run() == sample.run()
                                                                && target.against
                                                                        .get()
                                                                        .equals(one.contestant()))
                                        .flatMapToDouble(one -> one.scored(target.figure).stream())
                                        .filter(value -> value > 0)
                                        .findFirst();
                if (own.isPresent() && other.isPresent()) {
                    values.add(own.getAsDouble() / other.getAsDouble());
                }
            }
        }
        return Spread.of(values);
    }

    /// Median and extremes of a figure over the runs of a contestant.
    Optional<Spread> spread(Measure measure, String contestant, Figure figure) {
        return Spread.of(
                samples.stream()
                        .filter(
                                one ->
                                        one.measure() == measure
                                                && one.contestant().equals(contestant))
                        .flatMapToDouble(one -> one.scored(figure).stream())
                        .boxed()
                        .toList());
    }

    List<String> contestants(Measure measure) {
        return samples.stream()
                .filter(one -> one.measure() == measure)
                .map(Sample::contestant)
                .distinct()
                .toList();
    }

    /// Median and extremes.
    public record Spread(double median, double least, double most) {

        public static Optional<Spread> of(List<Double> values) {
            if (values.isEmpty()) {
                return Optional.empty();
            }
            List<Double> sorted = values.stream().sorted().toList();
            int middle = sorted.size() / 2;
            double median =
                    sorted.size() % 2 == 1
                            ? sorted.get(middle)
                            : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
            return Optional.of(new Spread(median, sorted.getFirst(), sorted.getLast()));
        }
    }
}
