package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.SequenceCatalog.Side;
import dev.millrace.sequences.TargetSequences.SchemaPair;
import dev.millrace.sequences.TargetSequences.Scope;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Finds for each sequence of the target what gave the existing values: sequences of the source,
/// and the columns that contain them. Pure; used for one decision.
final class SequenceLinks {

    /// @param columns the supplied columns
    /// @param unknown columns whose values in use cannot be determined: the values are computed
    ///   from a sequence, and the source computes them in another way
    record Link(
            Sequence sequence, List<Supply> columns, Set<Sequence> sources, List<Supply> unknown) {

        /// The columns that show which values are in use.
        Stream<Supply> comparable() {
            return columns.stream().filter(Supply::isComparable);
        }
    }

    private final Scope scope;
    private final Side source;
    private final Side target;
    private final SortedMap<TableId, Link> links = new TreeMap<>();

    private SequenceLinks(Scope scope, Side source, Side target) {
        this.scope = scope;
        this.source = source;
        this.target = target;
    }

    /// The sequences of the target in the order of their names.
    static List<Link> of(Scope scope, Side source, Side target) {
        SequenceLinks links = new SequenceLinks(scope, source, target);
        target.supplies().forEach(links::add);
        scope.schemas().forEach(links::add);
        return List.copyOf(links.links.values());
    }

    /// Free-standing sequences of the source without one of the same name on the target.
    static List<TableId> withoutCounterpart(Scope scope, Side source, Side target) {
        return scope.schemas().stream()
                .flatMap(
                        pair ->
                                freeStanding(source, pair.source())
                                        .filter(
                                                name ->
                                                        !target.sequences()
                                                                .containsKey(
                                                                        new TableId(
                                                                                pair.target(),
                                                                                name.name()))))
                .distinct()
                .toList();
    }

    /// Sequences of the source that supply migrated columns, none of which has a sequence on the
    /// target, with these columns.
    static SortedMap<TableId, List<Arrival>> withoutSuccessor(
            Scope scope, Side source, List<Link> links) {
        Set<TableId> continued =
                links.stream()
                        .flatMap(link -> link.sources().stream())
                        .map(Sequence::id)
                        .collect(Collectors.toSet());
        SortedMap<TableId, List<Arrival>> arrivals = new TreeMap<>();
        for (Mapping mapping : scope.mappings()) {
            mapping.mapper()
                    .copies()
                    .forEach(
                            (into, from) ->
                                    source.of(mapping.source(), from)
                                            .filter(Supply::isComparable)
                                            .map(Supply::sequence)
                                            .filter(id -> !continued.contains(id))
                                            .forEach(
                                                    id ->
                                                            arrivals.computeIfAbsent(
                                                                            id,
                                                                            _ -> new ArrayList<>())
                                                                    .add(
                                                                            new Arrival(
                                                                                    mapping.target()
                                                                                            .table(),
                                                                                    into))));
        }
        return arrivals;
    }

    /// A column of the target.
    record Arrival(TableId table, String column) {

        @Override
        public String toString() {
            return table + "." + column;
        }
    }

    private static Stream<TableId> freeStanding(Side side, String schema) {
        return side.sequences().values().stream()
                .filter(Sequence::freeStanding)
                .map(Sequence::id)
                .filter(id -> id.schema().equals(schema));
    }

    private Optional<Link> link(TableId sequence) {
        return Optional.ofNullable(target.sequences().get(sequence))
                .map(
                        found ->
                                links.computeIfAbsent(
                                        sequence,
                                        _ ->
                                                new Link(
                                                        found,
                                                        new ArrayList<>(),
                                                        new LinkedHashSet<>(),
                                                        new ArrayList<>())));
    }

    private void add(Supply supply) {
        link(supply.sequence())
                .ifPresent(
                        link -> {
                            link.columns().add(supply);
                            scope.mappings().stream()
                                    .filter(mapping -> fills(mapping, supply))
                                    .forEach(mapping -> add(mapping, supply, link));
                        });
    }

    /// A column that no mapping fills gets its values on the target, so the sequence's own position
    /// is beyond them.
    private static boolean fills(Mapping mapping, Supply supply) {
        return mapping.target().table().whole().equals(supply.table())
                && mapping.target().columns().contains(supply.column());
    }

    private void add(Mapping mapping, Supply supply, Link link) {
        List<Sequence> sources =
                Stream.ofNullable(mapping.mapper().copies().get(supply.column()))
                        .flatMap(column -> source.of(mapping.source(), column))
                        .filter(each -> each.form().equals(supply.form()))
                        .flatMap(each -> Stream.ofNullable(source.sequences().get(each.sequence())))
                        .toList();
        link.sources().addAll(sources);
        if (sources.isEmpty() && !supply.isComparable() && !link.unknown().contains(supply)) {
            link.unknown().add(supply);
        }
    }

    private void add(SchemaPair pair) {
        freeStanding(target, pair.target())
                .forEach(
                        id -> {
                            Sequence same =
                                    source.sequences().get(new TableId(pair.source(), id.name()));
                            if (same != null) {
                                link(id).ifPresent(link -> link.sources().add(same));
                            }
                        });
    }
}
