package dev.millrace.apply.sql;

import dev.millrace.change.TableId;
import dev.millrace.mapping.WayBack;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How a table is written that has more than the arriving rows tell: values of which they have only
/// a part, and rows that they never describe. Immutable.
///
/// @param kept columns that an existing row keeps where the expression gives the same for its value
///   and for the arriving one
/// @param truncates whether a TRUNCATE may empty the table
/// @param part which columns of a row arrive, if other rows bring the others
public record TableRule(
        Map<String, WayBack.Kept> kept, boolean truncates, Optional<PartOfRow> part) {

    /// The table has what arrives.
    public static final TableRule NONE = new TableRule(Map.of(), true);

    public TableRule {
        kept = Map.copyOf(kept);
    }

    /// Complete rows arrive.
    public TableRule(Map<String, WayBack.Kept> kept, boolean truncates) {
        this(kept, truncates, Optional.empty());
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
