package dev.millrace.rollback;

import dev.millrace.apply.sql.TableRule;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.lag.Backlog;
import dev.millrace.mapping.Mapping;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.ReverseStream;
import dev.millrace.rollback.RollbackPrice.LossyTable;
import dev.millrace.rollback.RollbackPrice.ReverseLag;
import dev.millrace.sql.Relation;
import dev.millrace.stream.ReplicationStream.Tables;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Measures what a rollback would cost from what is in memory, so that it answers while a server is
/// unreachable. Thread-safe.
///
/// @param reverse the stream from the target back to the source
/// @param sources the source tables with all their columns
public record RollbackMeter(
        ReverseStream reverse, Collection<Relation> sources, InstantSource clock) {

    /// What the journal says of the switchover that a rollback would take back.
    ///
    /// @param at when it was done
    /// @param pause for which writes waited; empty while unknown
    /// @param windowEndsAt empty while unknown
    public record Switched(
            Optional<Instant> at, Optional<Duration> pause, Optional<Instant> windowEndsAt) {

        static final Switched UNKNOWN =
                new Switched(Optional.empty(), Optional.empty(), Optional.empty());

        /// @param done a switchover that is done
        public static Switched of(StoredOperation done) {
            return new Switched(
                    done.finishedAt(),
                    done.pauseMs().isPresent()
                            ? Optional.of(Duration.ofMillis(done.pauseMs().getAsLong()))
                            : Optional.empty(),
                    done.reverseWindowEndsAt());
        }
    }

    /// The columns of a source table that do not come back exactly.
    record Loss(TableId table, List<String> columns, List<String> absent) {}

    /// @param known the last switchover; empty while the journal cannot be read
    public RollbackPrice price(Optional<Switched> known) {
        Switched switched = known.orElse(Switched.UNKNOWN);
        Optional<LiveStream> running = reverse.running();
        Instant now = clock.instant();
        Optional<Duration> age = running.flatMap(live -> live.lag().freshness().age(now));
        Tables back = reverse.stream().tables();
        Estimate estimate = Estimate.of(switched.pause(), age);
        return new RollbackPrice(
                switched.at().orElse(null),
                switched.windowEndsAt().orElse(null),
                running.map(live -> boxed(live.lag().rowsApplied())).orElse(null),
                running.map(live -> lag(live.lag().backlog(), age, now)).orElse(ReverseLag.UNKNOWN),
                losses(
                                back.mappings().stream().map(Mapping::target).toList(),
                                back.rules(),
                                sources)
                        .stream()
                        .map(loss -> counted(loss, running))
                        .toList(),
                estimate.seconds(),
                estimate.basis(),
                reverse.comparesAllRows());
    }

    private LossyTable counted(Loss loss, Optional<LiveStream> running) {
        return new LossyTable(
                loss.table().toString(),
                loss.columns(),
                loss.absent(),
                running.map(live -> live.stream().applier().counts().rows())
                        .map(rows -> applied(rows, loss.table()))
                        .orElse(null),
                reverse.countsSince().orElse(null));
    }

    /// With each part of a row.
    private static long applied(Map<TableId, Long> rows, TableId table) {
        return rows.entrySet().stream()
                .filter(applied -> applied.getKey().whole().equals(table))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static ReverseLag lag(Backlog backlog, Optional<Duration> age, Instant now) {
        return new ReverseLag(
                backlog.sourceBytes(now).orElse(null),
                backlog.records(now).orElse(null),
                age.map(RollbackMeter::seconds).orElse(null),
                backlog.safeWalBytes(now).orElse(null));
    }

    private static @Nullable Long boxed(OptionalLong value) {
        return value.isPresent() ? value.getAsLong() : null;
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    /// How long writes would wait.
    ///
    /// @param seconds `null` if a part of the basis is unknown
    record Estimate(@Nullable Double seconds, String basis) {

        static Estimate of(Optional<Duration> pause, Optional<Duration> lag) {
            if (pause.isEmpty()) {
                return new Estimate(null, "unknown: the pause of the switchover was not measured");
            }
            if (lag.isEmpty()) {
                return new Estimate(null, "unknown: the lag of the way back cannot be read");
            }
            return new Estimate(
                    RollbackMeter.seconds(pause.get().plus(lag.get())),
                    String.format(
                            Locale.ROOT,
                            "pause of the switchover %.3f s, lag of the way back %.3f s",
                            RollbackMeter.seconds(pause.get()),
                            RollbackMeter.seconds(lag.get())));
        }
    }

    /// The source tables that do not get back everything, in the order of the file.
    ///
    /// @param written the rows that the reverse stream writes, by one or more mappings per table
    /// @param rules how it writes them
    static List<Loss> losses(
            List<RowSchema> written, Map<TableId, TableRule> rules, Collection<Relation> sources) {
        Set<TableId> split =
                rules.entrySet().stream()
                        .filter(rule -> rule.getValue().part().isPresent())
                        .map(rule -> rule.getKey().whole())
                        .collect(Collectors.toSet());
        Map<TableId, Set<String>> columns = new HashMap<>();
        for (RowSchema row : written) {
            TableId table = row.table().whole();
            columns.merge(
                    table,
                    Set.copyOf(row.columns()),
                    split.contains(table) ? RollbackMeter::together : RollbackMeter::common);
        }
        return sources.stream()
                .map(
                        source ->
                                new Loss(
                                        source.id(),
                                        names(source, partly(rules, source.id())::contains),
                                        names(
                                                source,
                                                name ->
                                                        !columns.getOrDefault(source.id(), Set.of())
                                                                .contains(name))))
                .filter(loss -> !loss.columns().isEmpty() || !loss.absent().isEmpty())
                .toList();
    }

    /// Each target table has columns of every row.
    private static Set<String> together(Set<String> one, Set<String> other) {
        Set<String> both = new HashSet<>(one);
        both.addAll(other);
        return both;
    }

    /// Each target table has other rows: a column comes back only if all give it.
    private static Set<String> common(Set<String> one, Set<String> other) {
        return one.stream().filter(other::contains).collect(Collectors.toSet());
    }

    private static Set<String> partly(Map<TableId, TableRule> rules, TableId table) {
        return rules.entrySet().stream()
                .filter(rule -> rule.getKey().whole().equals(table))
                .flatMap(rule -> rule.getValue().kept().keySet().stream())
                .collect(Collectors.toSet());
    }

    /// The server computes the generated columns on both sides.
    private static List<String> names(Relation source, Predicate<String> selected) {
        return source.columns().stream()
                .filter(column -> !column.generated())
                .map(Relation.Column::name)
                .filter(selected)
                .toList();
    }
}
