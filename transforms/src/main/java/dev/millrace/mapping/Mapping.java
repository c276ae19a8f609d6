package dev.millrace.mapping;

import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.sql.Relation;
import java.util.List;

/// One target table, declared as one SELECT over one source table, parsed, typed and compiled.
///
/// @param target schema of the target rows: the target table, the columns in the order of the
///   SELECT, the target key
/// @param outputs the type of each column as the SELECT gives it, in the same order
/// @param userText the user's own SELECT: what the source is asked when the target is judged, never
///   our rendering
/// @param rendered our tree, fully parenthesised, to be compared with the user's text by the
///   source's EXPLAIN
public record Mapping(
        TableId source,
        RowSchema target,
        List<Relation.SqlType> outputs,
        String userText,
        String rendered,
        RowMapper mapper) {

    public Mapping {
        outputs = List.copyOf(outputs);
        if (outputs.size() != target.size()) {
            throw new IllegalArgumentException(
                    target.table()
                            + " has "
                            + target.size()
                            + " columns, got "
                            + outputs.size()
                            + " types");
        }
    }
}
