package dev.millrace.replication;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.sql.Relation;
import dev.millrace.stream.ReplicationStream;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Finds the target tables for which the running mappings may give another result than those that
/// the file gives on today's tables. A value that is only copied is the same text in another type.
/// An expression can give another value for another type, although its own type is the same.
/// Immutable.
///
/// @param running the tables with the running mappings
public record ChangedMappings(ReplicationStream.Tables running) {

    /// @param today the mappings that the file gives now
    /// @param sources the source tables as they are now
    /// @param paused source tables with a changed definition that nobody has accepted
    /// @return the tables, sorted
    public List<TableId> of(
            List<Mapping> today, Collection<Relation> sources, Set<TableId> paused) {
        Map<List<String>, Mapping> now =
                today.stream()
                        .collect(
                                Collectors.toMap(
                                        GenerationStart::declared, each -> each, (one, _) -> one));
        Map<TableId, Relation> then = byId(running.sources());
        Map<TableId, Relation> current = byId(sources);
        return running.mappings().stream()
                .filter(
                        mapping ->
                                paused.contains(mapping.source())
                                        || !isSame(
                                                mapping,
                                                now.get(GenerationStart.declared(mapping)),
                                                then.get(mapping.source()),
                                                current.get(mapping.source())))
                .map(mapping -> mapping.target().table())
                .distinct()
                .sorted()
                .toList();
    }

    private static Map<TableId, Relation> byId(Collection<Relation> tables) {
        return tables.stream()
                .collect(Collectors.toMap(Relation::id, each -> each, (one, _) -> one));
    }

    private static boolean isSame(
            Mapping mapping,
            @Nullable Mapping today,
            @Nullable Relation then,
            @Nullable Relation now) {
        if (today == null || then == null || now == null) {
            return false;
        }
        Set<String> copied = mapping.mapper().copies().keySet();
        boolean computes =
                mapping.mapper().isFiltered() || copied.size() < mapping.outputs().size();
        return (!computes || readsSameTypes(mapping, then, now))
                && IntStream.range(0, mapping.outputs().size())
                        .filter(i -> !formatted(mapping, i).equals(formatted(today, i)))
                        .allMatch(i -> copied.contains(mapping.target().columns().get(i)));
    }

    private static String formatted(Mapping mapping, int output) {
        return mapping.outputs().get(output).formatted();
    }

    private static boolean readsSameTypes(Mapping mapping, Relation then, Relation now) {
        Optional<Set<String>> reads = mapping.mapper().reads();
        return reads.isPresent()
                && reads.get().stream()
                        .allMatch(column -> type(then, column).equals(type(now, column)));
    }

    private static Optional<Relation.SqlType> type(Relation table, String column) {
        return table.column(column).map(Relation.Column::type);
    }
}
