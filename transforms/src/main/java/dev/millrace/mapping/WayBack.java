package dev.millrace.mapping;

import dev.millrace.change.TableId;
import dev.millrace.sql.Node;
import dev.millrace.sql.SqlRenderer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// How the changes of a target table come back to a source table after a switchover. Immutable.
public sealed interface WayBack {

    /// The source table.
    TableId source();

    /// Rows of the target table give rows of the source table. Columns that no target column gives
    /// back are not written: an existing row keeps their values, a new row has their defaults.
    ///
    /// A new row of the target whose key belongs to a source row that the SELECT excludes replaces
    /// that row.
    ///
    /// @param mapping from the target table to the source table
    /// @param kept source columns that an UPDATE leaves unchanged unless the target's value differs
    ///   from the value that the source row gives; in the table's order
    /// @param truncates whether a TRUNCATE of the target table may empty the source table; false if
    ///   the source has rows that the target does not have
    record Whole(Mapping mapping, Map<String, Kept> kept, boolean truncates) implements WayBack {

        public Whole {
            kept = Collections.unmodifiableMap(new LinkedHashMap<>(kept));
        }

        @Override
        public TableId source() {
            return mapping.target().table();
        }
    }

    /// Changes of the target would be lost, so a switchover of the table could not be taken back.
    ///
    /// @param reason names columns and tables
    /// @param remedy what to do
    record Partial(TableId source, String reason, String remedy) implements WayBack {}

    /// The expression that the SELECT computes from one source column, and that loses a part of its
    /// value.
    ///
    /// @param expression over this one column
    /// @param isText whether it gives a text, whose equality a collation decides
    record Kept(Node expression, boolean isText) {

        /// The expression as SQL over another value.
        ///
        /// @param value SQL of the column's type
        public String sql(String value) {
            String sql = SqlRenderer.sql(expression, _ -> value);
            return isText ? "(" + sql + " COLLATE \"C\")" : sql;
        }
    }
}
