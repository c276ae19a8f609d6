package dev.millrace.reconcile;

import dev.millrace.change.TableId;
import dev.millrace.kafka.LogEntry;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.reconcile.ShownValues.HashKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// How whole rows of one stream are shown to people: records of the log, changes of rejected keys
/// and samples. Values of sensitive columns become hashes. The file declares columns of targets
/// only. If a source table gives a sensitive column, one of its columns is shown only if a target
/// column that is not sensitive is a copy of it: a SELECT may derive anything from the others. A
/// table without a mapping has every value hidden. Immutable; thread-safe.
public final class ShownRows {

    private final HashKey key;
    private final Map<String, Set<String>> hiddenOfTargets = new HashMap<>();
    private final Map<String, Set<String>> sourcesOfTargets = new HashMap<>();
    private final Map<String, List<Feed>> feeds = new HashMap<>();

    /// What one mapping makes of the columns of its source table.
    private record Feed(RowMapper mapper, Set<String> sensitive) {

        boolean shows(String column) {
            return mapper.copies().entrySet().stream()
                    .anyMatch(
                            copy ->
                                    copy.getValue().equals(column)
                                            && !sensitive.contains(copy.getKey()));
        }

        boolean mayHide(String column) {
            return !sensitive.isEmpty()
                    && mapper.reads().map(reads -> reads.contains(column)).orElse(true)
                    && !shows(column);
        }
    }

    /// @param mappings all of the stream
    /// @param key equal values have the same hash as long as the key is used
    public ShownRows(List<Mapping> mappings, SensitiveColumns sensitive, HashKey key) {
        this.key = key;
        for (Mapping mapping : mappings) {
            String target = mapping.target().table().toString();
            String source = mapping.source().toString();
            Set<String> hidden = sensitive.of(mapping);
            hiddenOfTargets.computeIfAbsent(target, _ -> new HashSet<>()).addAll(hidden);
            sourcesOfTargets.computeIfAbsent(target, _ -> new HashSet<>()).add(source);
            feeds.computeIfAbsent(source, _ -> new ArrayList<>())
                    .add(new Feed(mapping.mapper(), hidden));
        }
    }

    /// @param columns of the row
    public ShownValues ofTarget(TableId table, Collection<String> columns) {
        return ofTarget(table.toString(), columns);
    }

    /// @param columns of the row
    public ShownValues ofSource(TableId table, Collection<String> columns) {
        return hiding(columns, column -> isHidden(table.toString(), column));
    }

    /// The row of the source from which no row of this target could be made.
    ///
    /// @param columns of the row
    public ShownValues ofImage(TableId target, Collection<String> columns) {
        return ofImage(target.toString(), columns);
    }

    /// The record with the values that may be shown.
    public LogEntry entry(LogEntry entry) {
        String table = entry.table();
        if (table == null || entry.row() == null) {
            return entry;
        }
        Set<String> columns = entry.row().keySet();
        ShownValues values =
                switch (entry.rows()) {
                    case SOURCE -> hiding(columns, column -> isHidden(table, column));
                    case TARGET -> ofTarget(table, columns);
                    case IMAGE -> ofImage(table, columns);
                };
        return entry.with(values::shown);
    }

    private ShownValues ofTarget(String table, Collection<String> columns) {
        Set<String> hidden = hiddenOfTargets.get(table);
        return hiding(columns, column -> hidden == null || hidden.contains(column));
    }

    private ShownValues ofImage(String target, Collection<String> columns) {
        Set<String> sources = sourcesOfTargets.getOrDefault(target, Set.of());
        return hiding(
                columns,
                column ->
                        sources.isEmpty()
                                || sources.stream().anyMatch(source -> isHidden(source, column)));
    }

    private boolean isHidden(String source, String column) {
        List<Feed> of = feeds.getOrDefault(source, List.of());
        if (!of.isEmpty() && of.stream().allMatch(feed -> feed.sensitive().isEmpty())) {
            return false;
        }
        return of.stream().noneMatch(feed -> feed.shows(column))
                || of.stream().anyMatch(feed -> feed.mayHide(column));
    }

    private ShownValues hiding(Collection<String> columns, Predicate<String> hidden) {
        return key.hiding(columns.stream().filter(hidden).collect(Collectors.toSet()));
    }
}
