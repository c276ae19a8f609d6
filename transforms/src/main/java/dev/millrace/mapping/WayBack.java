package dev.millrace.mapping;

import dev.millrace.change.TableId;
import dev.millrace.sql.Node;
import dev.millrace.sql.SqlRenderer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    /// @param part empty if a row of the target table gives a whole row
    record Whole(Mapping mapping, Map<String, Kept> kept, Optional<PartOf> part)
            implements WayBack {

        public Whole {
            kept = Collections.unmodifiableMap(new LinkedHashMap<>(kept));
        }

        /// The same, of which only a part of each row comes from the target table.
        public Whole as(PartOf part) {
            return new Whole(mapping, kept, Optional.of(part));
        }

        @Override
        public TableId source() {
            return mapping.target().table().whole();
        }
    }

    /// Several target tables have the columns of each row of the source table.
    ///
    /// @param number of this target table among them, from 0. A row exists with its first part
    /// @param stored the columns of the source table that can be written
    /// @param supplied those that one of the target tables gives back
    record PartOf(int number, int count, List<String> stored, List<String> supplied) {

        /// More parts cannot be told apart.
        public static final int MOST = 31;

        public PartOf {
            stored = List.copyOf(stored);
            supplied = List.copyOf(supplied);
            if (count > MOST) {
                throw new IllegalArgumentException(count + " parts of one row");
            }
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
