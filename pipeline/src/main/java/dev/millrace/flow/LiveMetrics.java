package dev.millrace.flow;

import dev.millrace.control.flow.CommitProbe;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.Reason;
import dev.millrace.postgres.load.LoadReader;
import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.postgres.load.LoadReader.Wal;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/// Reads what the stop conditions of a migration measure. Each database has a probe with its own
/// thread and session, and so has each SELECT of the file, each HTTP check and the commits, so that
/// one that is slow delays no other. Reads only what a condition needs. Thread-safe.
final class LiveMetrics implements AutoCloseable {

    /// With the interval of the evaluation it is less than a second.
    private static final Duration INTERVAL = Duration.ofMillis(500);

    /// A commit is a write on the target.
    private static final Duration COMMIT_INTERVAL = Duration.ofSeconds(1);

    /// An older value is not known any more.
    private static final Duration TOO_OLD = Duration.ofSeconds(5);

    /// @param at when it was read
    record Sample(Reading reading, Instant at) {}

    private final ReplicationStream stream;
    private final InstantSource clock;
    private final BooleanSupplier mayWrite;
    private final Map<Measure, Sample> readings = new ConcurrentHashMap<>();
    private final CommitTimes commits = new CommitTimes();
    private final WalMeter wal;
    private final LoadReader source;
    private final LoadReader target;
    private final CommitProbe commit;
    private final List<PeriodicProbe> probes = new ArrayList<>();
    private final List<HttpProbe> checks = new ArrayList<>();

    private LiveMetrics(
            ReplicationStream stream,
            OptionalLong walBudget,
            BooleanSupplier mayWrite,
            InstantSource clock) {
        this.stream = stream;
        this.wal = new WalMeter(walBudget);
        this.clock = clock;
        this.mayWrite = mayWrite;
        this.source = new LoadReader(stream.source().database());
        this.target = new LoadReader(stream.target().database());
        this.commit = new CommitProbe(stream.control(), stream.id(), clock, CommitProbe.LIMIT);
    }

    /// @param mayWrite whether the control schema may be written to measure a commit
    static LiveMetrics start(
            ReplicationStream stream,
            List<StopCondition> conditions,
            OptionalLong walBudget,
            BooleanSupplier mayWrite,
            InstantSource clock) {
        LiveMetrics metrics = new LiveMetrics(stream, walBudget, mayWrite, clock);
        Set<Measure> all =
                conditions.stream().map(StopCondition::measure).collect(Collectors.toSet());
        metrics.startSource(of(all, Side.SOURCE));
        metrics.startTarget(of(all, Side.TARGET));
        all.forEach(
                measure -> {
                    switch (measure) {
                        case Measure.HttpCheck check -> metrics.startCheck(check);
                        case Measure.Scalar scalar -> metrics.startScalar(scalar);
                        case Measure.BuiltIn _, Measure.WalBudget _, Measure.Window _ -> {}
                    }
                });
        if (all.contains(new Measure.BuiltIn(Metric.TARGET_COMMIT_P95))) {
            metrics.probes.add(
                    PeriodicProbe.start(
                            "load-commit",
                            COMMIT_INTERVAL,
                            clock,
                            metrics::measureCommit,
                            metrics.commit::close));
        }
        return metrics;
    }

    /// The budget of WAL is measured with or without conditions.
    private void startSource(List<Measure> measures) {
        probes.add(
                PeriodicProbe.start(
                        "load-source",
                        INTERVAL,
                        clock,
                        () -> {
                            readWal();
                            read(measures, source);
                        },
                        source::close));
    }

    private void startTarget(List<Measure> measures) {
        if (!measures.isEmpty()) {
            probes.add(
                    PeriodicProbe.start(
                            "load-target",
                            INTERVAL,
                            clock,
                            () -> read(measures, target),
                            target::close));
        }
    }

    /// A SELECT of the file may take a second, or wait for a lock for so long.
    private void startScalar(Measure.Scalar scalar) {
        LoadReader reader =
                new LoadReader(
                        switch (scalar.on()) {
                            case SOURCE -> stream.source().database();
                            case TARGET -> stream.target().database();
                        });
        probes.add(
                PeriodicProbe.start(
                        "load-select",
                        INTERVAL,
                        clock,
                        () -> read(List.of(scalar), reader),
                        reader::close));
    }

    private void startCheck(Measure.HttpCheck check) {
        HttpProbe probe = new HttpProbe(check.address());
        checks.add(probe);
        probes.add(
                PeriodicProbe.start(
                        "load-http",
                        INTERVAL,
                        clock,
                        () -> readings.put(check, new Sample(probe.ask(), clock.instant())),
                        () -> {}));
    }

    private void readWal() {
        Wal found;
        try {
            found = source.wal(stream.slot());
        } catch (SQLException e) {
            source.close();
            found = new Wal(new Reading.Unknown(Reason.of(e)), new Reading.Unknown("no answer"));
        }
        wal.read(found, clock.instant());
    }

    FlowReport.Wal wal() {
        return wal.report(clock.instant());
    }

    private static List<Measure> of(Set<Measure> all, Side side) {
        return all.stream()
                .filter(measure -> side(measure).filter(side::equals).isPresent())
                .toList();
    }

    /// Empty for what has its own probe or needs none.
    private static Optional<Side> side(Measure measure) {
        return switch (measure) {
            case Measure.Scalar _, Measure.WalBudget _, Measure.HttpCheck _, Measure.Window _ ->
                    Optional.empty();
            case Measure.BuiltIn(Metric metric) ->
                    switch (metric) {
                        case TARGET_COMMIT_P95 -> Optional.empty();
                        case TARGET_LOCK_WAITS, TARGET_ACTIVE_SESSIONS, TARGET_REPLICATION_LAG ->
                                Optional.of(Side.TARGET);
                        case SOURCE_ACTIVE_SESSIONS, SOURCE_REPLICATION_LAG, SOURCE_WAL_RETAINED ->
                                Optional.of(Side.SOURCE);
                    };
        };
    }

    /// A measure that cannot be read says why, and the others are read all the same.
    private void read(List<Measure> measures, LoadReader reader) {
        for (Measure measure : measures) {
            Reading reading;
            try {
                reading = read(measure, reader);
            } catch (SQLException e) {
                reader.close();
                reading = new Reading.Unknown(Reason.of(e));
            }
            readings.put(measure, new Sample(reading, clock.instant()));
        }
    }

    private Reading read(Measure measure, LoadReader reader) throws SQLException {
        return switch (measure) {
            case Measure.Scalar(Side _, String statement) -> reader.number(statement);
            case Measure.WalBudget _, Measure.HttpCheck _, Measure.Window _ ->
                    throw new IllegalStateException("No database has it: " + measure);
            case Measure.BuiltIn(Metric metric) ->
                    switch (metric) {
                        case TARGET_LOCK_WAITS -> reader.lockWaits();
                        case TARGET_ACTIVE_SESSIONS, SOURCE_ACTIVE_SESSIONS ->
                                reader.activeSessions();
                        case TARGET_REPLICATION_LAG, SOURCE_REPLICATION_LAG -> reader.standbyLag();
                        case SOURCE_WAL_RETAINED -> reader.wal(stream.slot()).retained();
                        case TARGET_COMMIT_P95 ->
                                throw new IllegalStateException("Commits have their own probe.");
                    };
        };
    }

    private void measureCommit() throws SQLException {
        if (!mayWrite.getAsBoolean()) {
            return;
        }
        Duration time = commit.measure();
        commits.add(time, clock.instant());
    }

    /// The last value of a measure; unknown if it is too old.
    Sample read(Measure measure, Instant now) {
        if (measure instanceof Measure.BuiltIn(Metric metric)
                && metric == Metric.TARGET_COMMIT_P95) {
            return new Sample(commits(now), now);
        }
        if (measure instanceof Measure.WalBudget) {
            return new Sample(wal.used(now), wal.readAt(now));
        }
        if (measure instanceof Measure.Window window) {
            return new Sample(new Reading.Known(window.contains(now) ? 1 : 0), now);
        }
        Sample found = readings.get(measure);
        if (found == null) {
            return new Sample(new Reading.Unknown("not read yet"), now);
        }
        return isOld(found.at(), now)
                ? new Sample(new Reading.Unknown("no answer since " + found.at()), now)
                : found;
    }

    private static boolean isOld(Instant at, Instant now) {
        return Duration.between(at, now).compareTo(TOO_OLD) > 0;
    }

    private Reading commits(Instant now) {
        return commits.p95(
                commit.startedAt(),
                now,
                mayWrite.getAsBoolean()
                        ? "no commit has been measured"
                        : "no commit is measured while all writes are stopped");
    }

    @Override
    public void close() {
        probes.forEach(PeriodicProbe::close);
        checks.forEach(HttpProbe::close);
    }
}
