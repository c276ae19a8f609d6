package dev.millrace.stream;

import dev.millrace.change.TableId;
import dev.millrace.problem.NearestName;
import java.util.Collection;
import java.util.List;

/// The names of a migration's tables on each side. Immutable.
public record KnownTables(List<String> sources, List<String> targets) {

    public static KnownTables of(Collection<TableId> sources, Collection<TableId> targets) {
        return new KnownTables(names(sources), names(targets));
    }

    /// @throws UnknownTableException when it is not a source table
    public void requireSource(String table) {
        require(table, "source", sources, targets, "target");
    }

    /// @throws UnknownTableException when it is not a target table
    public void requireTarget(String table) {
        require(table, "target", targets, sources, "source");
    }

    private static void require(
            String table, String side, List<String> known, List<String> others, String otherSide) {
        if (known.contains(table)) {
            return;
        }
        String hint =
                others.contains(table)
                        ? "it is a " + otherSide + " table"
                        : NearestName.hint(table, known);
        throw new UnknownTableException(
                "'"
                        + table
                        + "' is not a "
                        + side
                        + " table of this migration"
                        + (hint.isEmpty() ? "" : " (" + hint + ")")
                        + ". Its "
                        + side
                        + " tables are: "
                        + String.join(", ", known));
    }

    private static List<String> names(Collection<TableId> tables) {
        return tables.stream().sorted().distinct().map(TableId::toString).toList();
    }

    /// The migration has no such table.
    public static final class UnknownTableException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        public UnknownTableException(String message) {
            super(message);
        }
    }
}
