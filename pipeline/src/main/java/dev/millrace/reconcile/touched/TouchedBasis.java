package dev.millrace.reconcile.touched;

import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What a comparison of touched keys builds on: an earlier comparison that found tables equal, and
/// where it began. Immutable.
public sealed interface TouchedBasis {

    /// @param since when the earlier comparison began
    /// @param equal the target tables that it found equal
    record Usable(Instant since, StartPosition start, Set<String> equal) implements TouchedBasis {
        public Usable {
            equal = Set.copyOf(equal);
        }
    }

    /// @param reason why there is none, for the operator
    record Missing(String reason) implements TouchedBasis {}

    /// The basis that a stored report gives.
    ///
    /// @param last the last finished reconciliation of this generation
    /// @param specHash of the present file
    static TouchedBasis of(@Nullable ReconciliationReport last, String specHash) {
        if (last == null) {
            return new Missing("no finished reconciliation is known");
        }
        if (last.reason() != null) {
            return new Missing("the last reconciliation was " + last.reason());
        }
        if (!last.specHash().equals(specHash)) {
            return new Missing("the file changed since the last reconciliation");
        }
        return of(last.startedAt(), last.start(), last.tables());
    }

    static TouchedBasis of(Instant since, @Nullable StartPosition start, List<TableReport> tables) {
        return start == null
                ? new Missing("the last comparison did not record where it began")
                : new Usable(
                        since,
                        start,
                        tables.stream()
                                .filter(table -> table.verdict() == Verdict.EQUAL)
                                .map(TableReport::target)
                                .collect(Collectors.toSet()));
    }

    /// Why a mapping cannot be compared on this basis.
    ///
    /// @param generation the present one
    /// @param now later positions of both servers
    default Optional<String> obstacle(Mapping mapping, int generation, Servers now) {
        return switch (this) {
            case Missing(String reason) -> Optional.of(reason);
            case Usable(Instant _, StartPosition start, Set<String> equal) -> {
                if (start.generation() != generation) {
                    yield Optional.of("a new generation of the log began");
                }
                yield equal.contains(mapping.target().table().toString())
                        ? start.obstacle(now, mapping)
                        : Optional.of("the last comparison did not find the table equal");
            }
        };
    }
}
