package dev.millrace.parity;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The comparison of one statement of the application on both sides. It is also the JSON that other
/// tools read: the component names are the field names. Contains no row of a result. Immutable.
///
/// @param meaning the fingerprint of what the file said about the statement
/// @param samples rows of parameters that were used
/// @param equal samples that gave the same rows on both sides
/// @param different samples that are proven to give other rows on the target
/// @param undecided samples for which neither is proven
/// @param cause why the query is undecided
/// @param complete false if the comparison reached its limit of time before it had used every
///   sample
/// @param differences the first samples that are different
/// @param slower the 95th percentile of the target is more than twice that of the source
public record QueryReport(
        String name,
        String meaning,
        Verdict verdict,
        int samples,
        int equal,
        int different,
        int undecided,
        @Nullable String cause,
        boolean complete,
        List<Difference> differences,
        Side source,
        Side target,
        boolean slower,
        double seconds) {

    /// The maximum number of differing samples that are listed; all are counted.
    public static final int LISTED = 20;

    public QueryReport {
        differences = List.copyOf(differences);
    }

    public enum Verdict {
        EQUAL,
        DIFFERENT,
        UNDECIDED;

        /// The verdict in JSON and in reports.
        @JsonValue
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// A sample that gives other rows on the target.
    ///
    /// @param source what the statement gave there, in words without a value
    public record Difference(List<@Nullable String> parameters, String source, String target) {

        public Difference {
            parameters = Collections.unmodifiableList(new ArrayList<>(parameters));
        }

        private Difference withParameters(UnaryOperator<@Nullable String> shown) {
            List<@Nullable String> texts = new ArrayList<>(parameters);
            texts.replaceAll(shown);
            return new Difference(texts, source, target);
        }
    }

    /// How a side ran the statement.
    ///
    /// @param p50Ms median of the executions in milliseconds; `null` without an execution
    /// @param plan the nodes of the plan with the first sample, from the top
    public record Side(@Nullable Double p50Ms, @Nullable Double p95Ms, List<String> plan) {

        public Side {
            plan = List.copyOf(plan);
        }
    }

    /// The same with other texts of the parameters.
    public QueryReport withParameters(UnaryOperator<@Nullable String> shown) {
        return new QueryReport(
                name,
                meaning,
                verdict,
                samples,
                equal,
                different,
                undecided,
                cause,
                complete,
                differences.stream().map(each -> each.withParameters(shown)).toList(),
                source,
                target,
                slower,
                seconds);
    }

    /// Why the switchover should not begin; empty for equal results.
    public List<String> problems() {
        return switch (verdict) {
            case EQUAL -> List.of();
            case DIFFERENT ->
                    List.of(
                            "Query %s gives other rows on the target for %d of %d samples. Read the report, then correct the statement, the mapping or the rows."
                                    .formatted(name, different, samples));
            case UNDECIDED ->
                    List.of(
                            "Query %s is undecided: %s. Run 'millrace reconcile' again."
                                    .formatted(name, cause));
        };
    }
}
