package dev.millrace.apply.sql;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.WayBack;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// How a table is written that has more than the arriving rows tell: values of which they have only
/// a part, and rows that they never describe. Immutable.
///
/// @param kept columns that an existing row keeps where the expression gives the same for its value
///   and for the arriving one
/// @param truncation what a TRUNCATE of the table does that the rows come from
/// @param part which columns of a row arrive, if other rows bring the others
public record TableRule(
        Map<String, WayBack.Kept> kept, Truncation truncation, Optional<PartOfRow> part) {

    /// The table has what arrives.
    public static final TableRule NONE = new TableRule(Map.of(), new Truncation.Table());

    public TableRule {
        kept = Map.copyOf(kept);
    }

    /// Complete rows arrive.
    public TableRule(Map<String, WayBack.Kept> kept, Truncation truncation) {
        this(kept, truncation, Optional.empty());
    }

    /// The rules of those target tables that keep their rows when their source is truncated.
    public static Map<TableId, TableRule> refusing(
            List<Mapping> mappings, Predicate<TableId> keepsRows) {
        return mappings.stream()
                .map(mapping -> mapping.target().table())
                .filter(keepsRows)
                .collect(
                        Collectors.toMap(
                                table -> table,
                                _ -> new TableRule(Map.of(), new Truncation.Refused())));
    }

    /// What a TRUNCATE does to the table that the rows of the truncated table are written to.
    public sealed interface Truncation {

        /// All rows are deleted: they all come from the truncated table.
        record Table() implements Truncation {}

        /// Some rows are deleted: the table also has others.
        ///
        /// @param condition SQL over the columns of the table that selects them
        record Rows(String condition) implements Truncation {}

        /// The table is stopped and keeps its rows.
        record Refused() implements Truncation {}
    }

    /// A row of the table consists of parts, which arrive separately and are written in one order
    /// per key. The row exists from the moment at which all parts have come until the driving part
    /// is deleted. Otherwise its parts are in the table of incomplete rows.
    ///
    /// @param incomplete the table of incomplete rows
    /// @param key the columns of the table's key
    public record PartOfRow(TableId incomplete, List<String> key, WayBack.PartOf columns) {

        public PartOfRow {
            key = List.copyOf(key);
        }

        /// Whether the row exists only with this part.
        boolean isDriving() {
            return columns.number() == 0;
        }
    }
}
