package dev.millrace.apply.sql;

import dev.millrace.mapping.WayBack;
import java.util.Map;

/// How a table is written that has more than the arriving rows tell: values of which they have only
/// a part, and rows that they never describe. Immutable.
///
/// @param kept columns that an existing row keeps where the expression gives the same for its value
///   and for the arriving one
/// @param truncates whether a TRUNCATE may empty the table
public record TableRule(Map<String, WayBack.Kept> kept, boolean truncates) {

    /// The table has what arrives.
    public static final TableRule NONE = new TableRule(Map.of(), true);

    public TableRule {
        kept = Map.copyOf(kept);
    }
}
