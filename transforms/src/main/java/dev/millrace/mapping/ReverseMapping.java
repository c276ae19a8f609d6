package dev.millrace.mapping;

import dev.millrace.change.TableId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The way back into a source table: which target tables have the values of its columns. Immutable.
///
/// @param targets the target tables, in the order of the file
/// @param columns the origin of each source column that is not generated, in the table's order
/// @param isPart whether the targets have only some of the table's rows, and other target tables
///   have others
public record ReverseMapping(
        TableId source, List<TableId> targets, Map<String, Origin> columns, boolean isPart) {

    /// @param target the table whose rows the value is computed from
    public record Origin(TableId target, Inverse inverse) {}

    /// One target table of the source table.
    ///
    /// @param filtered the SELECT has a WHERE, so that rows may be missing on the target
    /// @param inverses of each source column that is not generated, in the table's order
    public record Part(TableId target, boolean filtered, Map<String, Inverse> inverses) {}

    public ReverseMapping {
        targets = List.copyOf(targets);
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
    }

    /// Combines the parts of one source table. SELECTs without a WHERE have every row of the table,
    /// so together they supply its columns. A SELECT with a WHERE supplies only its own rows: if no
    /// SELECT has them all, each gives only its own rows back.
    public static List<ReverseMapping> of(TableId source, List<Part> parts) {
        List<Part> whole = parts.stream().filter(part -> !part.filtered()).toList();
        if (!whole.isEmpty() || parts.size() == 1) {
            return List.of(combined(source, whole.isEmpty() ? parts : whole, false));
        }
        List<ReverseMapping> each = new ArrayList<>();
        parts.forEach(part -> each.add(combined(source, List.of(part), true)));
        return each;
    }

    private static ReverseMapping combined(TableId source, List<Part> parts, boolean isPart) {
        Map<String, Origin> columns = new LinkedHashMap<>();
        for (Part part : parts) {
            part.inverses()
                    .forEach(
                            (column, inverse) ->
                                    columns.merge(
                                            column,
                                            new Origin(part.target(), inverse),
                                            ReverseMapping::better));
        }
        return new ReverseMapping(
                source, parts.stream().map(Part::target).toList(), columns, isPart);
    }

    private static Origin better(Origin one, Origin other) {
        return other.inverse().isBetterThan(one.inverse()) ? other : one;
    }
}
