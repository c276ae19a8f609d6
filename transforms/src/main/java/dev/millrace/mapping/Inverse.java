package dev.millrace.mapping;

/// How the value of a source column is computed from a row of the target, which a replication
/// stream in the other direction needs. Immutable.
public sealed interface Inverse {

    /// The expression gives back the value of every row that the SELECT writes, and the SELECT
    /// gives back every value of the target that the expression accepts. A value that the source
    /// column cannot hold is an error, never another value.
    ///
    /// @param sql an expression over columns of the target
    record Exact(String sql) implements Inverse {}

    /// The expression gives a value, but some values come back changed.
    ///
    /// @param sql an expression over columns of the target
    /// @param reason which part of a value is lost
    record Lossy(String sql, String reason) implements Inverse {}

    /// The user declared the expression in `reverse`. Its types fit; that it gives back the values
    /// is not proved.
    ///
    /// @param sql an expression over columns of the target
    record Declared(String sql) implements Inverse {}

    /// A target column is computed from the source column, but the value cannot be computed back.
    record None(String reason) implements Inverse {}

    /// No target column is computed from the source column.
    record Absent() implements Inverse {}

    /// The one of the two that loses less; a declared one replaces every other. The parts of a
    /// split table supply a column together, so the best of all parts counts.
    static Inverse better(Inverse one, Inverse other) {
        return other.isBetterThan(one) ? other : one;
    }

    /// Whether this one loses less, or replaces the other.
    default boolean isBetterThan(Inverse other) {
        return rank(this) < rank(other);
    }

    private static int rank(Inverse inverse) {
        return switch (inverse) {
            case Declared _ -> 0;
            case Exact _ -> 1;
            case Lossy _ -> 2;
            case None _ -> 3;
            case Absent _ -> 4;
        };
    }
}
