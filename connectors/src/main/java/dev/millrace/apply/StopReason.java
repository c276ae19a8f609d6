package dev.millrace.apply;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/// Says why a table was stopped, from the names in the server's error. The server's own sentence is
/// repeated only for errors about names and rights: the others quote the row.
final class StopReason {

    private static final String NEXT =
            " Later changes of this table are not applied. Remove the cause and begin a new migration.";

    private static final Set<String> SAYS_NAMES_ONLY = Set.of("0A", "3F", "42", "55");

    private StopReason() {}

    /// True for errors of a value that a column's type does not take: PostgreSQL names the type at
    /// most.
    static boolean lacksColumn(SQLException failure) {
        ServerErrorMessage server = server(failure);
        return server != null
                && server.getColumn() == null
                && (String.valueOf(failure.getSQLState()).startsWith("22")
                        || server.getDatatype() != null);
    }

    private static @Nullable ServerErrorMessage server(SQLException failure) {
        return failure instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
    }

    /// @param column where the server's error doesn't name it
    static String of(TableId table, SQLException failure, Optional<String> column) {
        ServerErrorMessage server = server(failure);
        String state = String.valueOf(failure.getSQLState());
        StringBuilder reason = new StringBuilder();
        reason.append(table).append(": ").append(condition(state));
        reason.append(" (SQLSTATE ").append(state).append(')');
        if (server != null) {
            part(reason, "column", column.orElse(server.getColumn()));
            part(reason, "constraint", server.getConstraint());
            part(reason, "type", server.getDatatype());
            if (SAYS_NAMES_ONLY.contains(state.substring(0, 2))) {
                reason.append(": ").append(server.getMessage());
            }
        }
        if (state.equals("23505")) {
            reason.append(
                    ". The constraint is another than the key's, and another row of the target holds"
                            + " the value; this version doesn't wait for that row to give it up");
        }
        return reason.append('.').append(NEXT).toString();
    }

    static String withoutRow(TableId table) {
        return table
                + ": a change does not carry its large values (TOAST), and the target has no row of"
                + " this key to take them from. This happens when an UPDATE changes the key, or brings"
                + " a row into the WHERE, and leaves such a value as it is. Set REPLICA IDENTITY FULL"
                + " on the source table to avoid it."
                + NEXT;
    }

    /// @param statement the kind of statement whose effect is missing
    static String swallowed(TableId table, String statement) {
        return table
                + ": the target did not carry out the "
                + statement
                + " statement as sent, because a rule or a trigger of the table rewrites or skips it."
                + " Run millrace plan to see its name, and disable it."
                + NEXT;
    }

    private static void part(StringBuilder reason, String what, @Nullable String name) {
        if (name != null && !name.isEmpty()) {
            reason.append(", ").append(what).append(' ').append(name);
        }
    }

    private static String condition(String state) {
        return switch (state) {
            case "22001" -> "a value is longer than its column";
            case "22003" -> "a number is outside its column's range";
            case "22007", "22008" -> "a date or time that the column doesn't take";
            case "22021" -> "a character that the target's encoding doesn't have";
            case "22026" -> "a bit string of another length than its column's";
            case "22P02" -> "a value that the column's type can't read";
            case "23502" -> "NULL in a column that takes none";
            case "23503" -> "a foreign key is violated";
            case "23505" -> "a unique constraint is violated";
            case "23514" -> "a check constraint is violated";
            case "23P01" -> "an exclusion constraint is violated";
            case "42501" -> "the role lacks a privilege";
            case "42P01" -> "the table isn't there";
            case "42703" -> "a column isn't there";
            default -> "the target refuses the change";
        };
    }
}
