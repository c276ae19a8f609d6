package dev.millrace.mapping;

import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.sql.Relation;
import java.util.List;

/// The compiled mapping of one target table: a typed SELECT over one source table. Immutable.
///
/// @param target schema of the target rows: the target table, the columns in the order of the
///   SELECT, the target key
/// @param outputs the type of each column of the SELECT, in the same order
/// @param userText the user's SELECT, sent to the source when source and target are compared; never
///   the rendered text
/// @param rendered the parsed tree as fully parenthesised SQL; the source's EXPLAIN compares it
///   with the user's text
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
