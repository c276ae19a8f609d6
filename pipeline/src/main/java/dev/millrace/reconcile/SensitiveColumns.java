package dev.millrace.reconcile;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.stream.Direction;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The columns of a mapping's target whose values no report may show. Pure; thread-safe. A name
/// that is no column hides every column, because it may be a misspelled one.
@FunctionalInterface
public interface SensitiveColumns {

    /// No column is sensitive.
    SensitiveColumns NONE = _ -> Set.of();

    Set<String> of(Mapping mapping);

    /// For one direction of a migration.
    ///
    /// @param tables columns by target table of the forward direction, as the file names them
    static SensitiveColumns of(Direction direction, Map<TableId, Set<String>> tables) {
        return switch (direction) {
            case FORWARD -> ofTargets(tables);
            case REVERSE -> ofSources(tables);
        };
    }

    /// @param tables columns by target table, as the file names them
    static SensitiveColumns ofTargets(Map<TableId, Set<String>> tables) {
        return mapping -> {
            Set<String> named = tables.getOrDefault(mapping.target().table(), Set.of());
            List<String> columns = mapping.target().columns();
            return columns.containsAll(named) ? named : Set.copyOf(columns);
        };
    }

    /// For the stream back to the source, whose mappings read these tables. What is not the copy of
    /// another column may contain a sensitive value.
    ///
    /// @param tables columns by the table that a mapping reads
    static SensitiveColumns ofSources(Map<TableId, Set<String>> tables) {
        return mapping -> {
            Set<String> named = tables.getOrDefault(mapping.source(), Set.of());
            Map<String, String> copies = mapping.mapper().copies();
            return named.isEmpty()
                    ? Set.of()
                    : mapping.target().columns().stream()
                            .filter(
                                    column ->
                                            !copies.containsKey(column)
                                                    || named.contains(copies.get(column)))
                            .collect(Collectors.toUnmodifiableSet());
        };
    }
}
