package dev.millrace.reads;

import dev.millrace.parity.QueryReport;
import dev.millrace.parity.QueryReport.Difference;
import dev.millrace.parity.QueryReport.Side;
import dev.millrace.parity.QueryReport.Verdict;
import dev.millrace.postgres.query.QueryResult;
import dev.millrace.postgres.query.QuerySession;
import dev.millrace.reads.QuerySettlement.Comparison;
import dev.millrace.reads.QuerySettlement.Settled;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.spec.SpecHash.Fingerprint;
import dev.millrace.spec.queries.QueryPair;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Compares one statement with each sample of its parameters, one after the other. Not thread-safe;
/// used once.
final class QueryComparison {

    private static final String STATEMENT = "compared";

    private final QueryPair pair;
    private final QuerySession source;
    private final QuerySession target;
    private final Settlement settlement;
    private final Budget budget;
    private final Cancellation cancellation;
    private final List<Duration> ofSource = new ArrayList<>();
    private final List<Duration> ofTarget = new ArrayList<>();
    private final List<Difference> differences = new ArrayList<>();
    private int samples;
    private int equal;
    private int different;
    private int undecided;
    private int timeouts;

    /// Nanoseconds in which statements ran for the present sample.
    private double busy;

    private boolean complete = true;
    private @Nullable String cause;

    /// Decides what results that differ mean.
    interface Settlement {
        Settled settle(Supplier<QueryResult> source, Supplier<QueryResult> target);
    }

    /// How much the comparison of one statement may cost each server. One statement runs at a time.
    ///
    /// @param statement timeout of each execution
    /// @param total for all samples together
    /// @param samples at most
    /// @param share of the time in which a statement runs; the rest is pause
    /// @param timeouts after so many the statement is not run any more
    record Budget(Duration statement, Duration total, int samples, double share, int timeouts) {

        static final Budget STANDARD =
                new Budget(Duration.ofSeconds(5), Duration.ofMinutes(1), 200, 0.25, 3);
    }

    QueryComparison(
            QueryPair pair,
            QuerySession source,
            QuerySession target,
            Settlement settlement,
            Budget budget,
            Cancellation cancellation) {
        this.pair = pair;
        this.source = source;
        this.target = target;
        this.settlement = settlement;
        this.budget = budget;
        this.cancellation = cancellation;
    }

    /// Of a statement that could not be compared at all.
    static QueryReport undecided(QueryPair pair, String cause) {
        Side none = new Side(null, null, List.of());
        return new QueryReport(
                pair.name(),
                Fingerprint.of(pair.meaning()),
                Verdict.UNDECIDED,
                0,
                0,
                0,
                0,
                cause,
                false,
                List.of(),
                none,
                none,
                false,
                0);
    }

    QueryReport compare() throws SQLException {
        long began = System.nanoTime();
        source.prepare(STATEMENT, pair.old());
        target.prepare(STATEMENT, pair.next());
        List<List<@Nullable String>> parameters = parameters();
        for (List<@Nullable String> sample : parameters) {
            cancellation.check();
            if (System.nanoTime() - began > budget.total().toNanos()
                    || timeouts >= budget.timeouts()) {
                complete = false;
                break;
            }
            busy = 0;
            compare(sample);
            cancellation.pause(Duration.ofNanos((long) (busy / budget.share() - busy)));
        }
        cancellation.check();
        return report(parameters, System.nanoTime() - began);
    }

    private List<List<@Nullable String>> parameters() throws SQLException {
        if (pair.parameters().isEmpty()) {
            return Collections.nCopies(Math.min(10, budget.samples()), List.of());
        }
        return switch (source.first(pair.parameters().get(), budget.samples())) {
            case QueryResult.Rows(_, Map<List<@Nullable String>, Integer> rows, _) -> {
                if (rows.isEmpty()) {
                    cause = "the SELECT of its parameters gives no row";
                }
                yield List.copyOf(rows.keySet());
            }
            case QueryResult.TooLarge _ -> without("gives too large values");
            case QueryResult.Cancelled _ -> without("reached its timeout");
            case QueryResult.Failed(String state) -> without("failed with SQLSTATE " + state);
        };
    }

    private List<List<@Nullable String>> without(String why) {
        cause = "the SELECT of its parameters " + why;
        return List.of();
    }

    private void compare(List<@Nullable String> sample) {
        samples++;
        Supplier<QueryResult> onSource = () -> run(source, sample, ofSource);
        Supplier<QueryResult> onTarget = () -> run(target, sample, ofTarget);
        Settled settled =
                switch (Comparison.of(onSource.get(), onTarget.get())) {
                    case Comparison.Same() -> new Settled.Equal();
                    case Comparison.Other() -> settlement.settle(onSource, onTarget);
                    case Comparison.Unknown(String why) -> new Settled.Undecided(why);
                };
        switch (settled) {
            case Settled.Equal() -> equal++;
            case Settled.Different(QueryResult first, QueryResult second) -> {
                different++;
                if (differences.size() < QueryReport.LISTED) {
                    differences.add(new Difference(sample, words(first), words(second)));
                }
            }
            case Settled.Undecided(String why) -> {
                undecided++;
                cause = why;
            }
        }
    }

    private QueryResult run(
            QuerySession on, List<@Nullable String> sample, List<Duration> durations) {
        cancellation.check();
        long began = System.nanoTime();
        QueryResult result;
        try {
            result = on.run(STATEMENT, sample);
        } catch (SQLException e) {
            throw new QueryParity.SideLost(e);
        }
        busy += (double) (System.nanoTime() - began);
        cancellation.check();
        if (result instanceof QueryResult.Rows rows) {
            durations.add(rows.took());
        } else if (result instanceof QueryResult.Cancelled) {
            timeouts++;
        }
        return result;
    }

    private static String words(QueryResult result) {
        return switch (result) {
            case QueryResult.Rows rows -> rows.count() == 1 ? "1 row" : rows.count() + " rows";
            case QueryResult.Failed(String state) -> "SQLSTATE " + state;
            case QueryResult.TooLarge(), QueryResult.Cancelled() -> "unknown";
        };
    }

    private QueryReport report(List<List<@Nullable String>> parameters, long nanos)
            throws SQLException {
        Side one = side(source, ofSource, parameters);
        Side other = side(target, ofTarget, parameters);
        if (!complete && cause == null) {
            cause = "the limit of time was reached after %d samples".formatted(samples);
        }
        return new QueryReport(
                pair.name(),
                Fingerprint.of(pair.meaning()),
                verdict(),
                samples,
                equal,
                different,
                undecided,
                verdict() == Verdict.UNDECIDED ? cause : null,
                complete,
                differences,
                one,
                other,
                one.p95Ms() != null && other.p95Ms() != null && other.p95Ms() > 2 * one.p95Ms(),
                nanos / 1e9);
    }

    /// A comparison that stopped at its limit of time is equal if some sample was; the report says
    /// that it is not complete.
    private Verdict verdict() {
        if (different > 0) {
            return Verdict.DIFFERENT;
        }
        return undecided == 0 && equal > 0 && timeouts == 0 ? Verdict.EQUAL : Verdict.UNDECIDED;
    }

    private static Side side(
            QuerySession on, List<Duration> durations, List<List<@Nullable String>> parameters)
            throws SQLException {
        List<Duration> sorted = durations.stream().sorted().toList();
        return new Side(
                percentile(sorted, 0.5),
                percentile(sorted, 0.95),
                parameters.isEmpty() ? List.of() : on.plan(STATEMENT, parameters.getFirst()));
    }

    /// The nearest rank.
    private static @Nullable Double percentile(List<Duration> sorted, double part) {
        if (sorted.isEmpty()) {
            return null;
        }
        int rank = (int) Math.ceil(part * sorted.size());
        return sorted.get(Math.max(rank, 1) - 1).toNanos() / 1e6;
    }
}
