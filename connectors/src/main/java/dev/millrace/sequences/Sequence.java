package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.sequences.SequencePlan.Access;

/// A sequence as its catalog describes it, without its position. Immutable.
///
/// @param type `smallint`, `integer` or `bigint`
/// @param cache how many values a session takes at once
/// @param freeStanding no column owns it, and no extension
record Sequence(
        TableId id,
        String type,
        long increment,
        long min,
        long max,
        boolean cycle,
        long cache,
        boolean freeStanding,
        Access access) {

    boolean ascends() {
        return increment > 0;
    }

    /// A target sequence's link to one column: the column's default takes a value of the sequence,
    /// or the column owns the sequence.
    ///
    /// @param table the table that was asked for; the default may be that of a partition
    /// @param form the default with `nextval` in place of the call; empty if the column's value is
    ///   the sequence's value
    record Supply(TableId table, String column, TableId sequence, String form, Values values) {

        /// Whether the values in the column are values of the sequence, so that they show which of
        /// them are in use.
        boolean isComparable() {
            return form.isEmpty() && values.isNumber();
        }

        String named() {
            return table + "." + column;
        }
    }

    /// The values of a column.
    ///
    /// @param type the name of the built-in type, of a domain's base type; empty for another type
    /// @param readable the role may read the column
    /// @param indexed an index finds the largest and the smallest value
    record Values(String type, boolean readable, boolean indexed) {

        boolean isNumber() {
            return !sqlType().isEmpty();
        }

        String sqlType() {
            return switch (type) {
                case "int2" -> "smallint";
                case "int4" -> "integer";
                case "int8" -> "bigint";
                case "numeric" -> "numeric";
                default -> "";
            };
        }
    }

    /// The largest or smallest value of a sequence's or a column's type.
    static long limit(String sqlType, boolean ascends) {
        return switch (sqlType) {
            case "smallint" -> ascends ? Short.MAX_VALUE : Short.MIN_VALUE;
            case "integer" -> ascends ? Integer.MAX_VALUE : Integer.MIN_VALUE;
            default -> ascends ? Long.MAX_VALUE : Long.MIN_VALUE;
        };
    }
}
