package dev.millrace.apply.refusal;

import dev.millrace.change.TableId;
import dev.millrace.postgres.SqlState;
import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/// Builds the reason why a table is stopped, from the names in the server's error. The server's
/// message is repeated only for errors about names and privileges: other messages quote the row.
public final class StopReason {

    private static final String NEXT =
            " Later changes of this table are not applied. Remove the cause, then run 'millrace"
                    + " resume --table %s'.";

    private static final Set<ErrorClass> SAYS_NAMES_ONLY =
            Set.of(
                    ErrorClass.FEATURE_NOT_SUPPORTED,
                    ErrorClass.INVALID_SCHEMA_NAME,
                    ErrorClass.SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION,
                    ErrorClass.OBJECT_NOT_IN_PREREQUISITE_STATE);

    private StopReason() {}

    /// Whether the error is about a value that a column's type does not accept and names no column:
    /// PostgreSQL names at most the type then.
    public static boolean lacksColumn(SQLException failure) {
        ServerErrorMessage server = server(failure);
        return server != null
                && server.getColumn() == null
                && (ErrorClass.of(failure) == ErrorClass.DATA_EXCEPTION
                        || server.getDatatype() != null);
    }

    private static @Nullable ServerErrorMessage server(SQLException failure) {
        return failure instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
    }

    /// The cause alone.
    ///
    /// @param column the refused column, if the server's error does not name it
    static String cause(TableId table, SQLException failure, Optional<String> column) {
        ServerErrorMessage server = server(failure);
        String state = String.valueOf(failure.getSQLState());
        StringBuilder reason = new StringBuilder();
        reason.append(table).append(": ").append(condition(SqlState.of(failure)));
        reason.append(" (SQLSTATE ").append(state).append(')');
        if (server != null) {
            part(reason, "column", column.orElse(server.getColumn()));
            part(reason, "constraint", server.getConstraint());
            part(reason, "type", server.getDatatype());
            if (SAYS_NAMES_ONLY.contains(ErrorClass.of(failure))) {
                reason.append(": ").append(server.getMessage());
            }
        }
        if (SqlState.UNIQUE_VIOLATION.matches(failure)) {
            reason.append(
                    ". Another row already has this value in a unique column that is not the key");
        }
        return reason.append('.').toString();
    }

    /// The reason why a table is stopped, from its cause.
    public static String stopping(TableId table, String cause) {
        return cause + NEXT.formatted(table.whole());
    }

    /// The reason why a table is stopped that has met a change again that cannot be mapped.
    static String unmapped(String cause) {
        return cause
                + ". The change is in the log and cannot be mapped, so the table cannot continue."
                + " Run 'millrace rebackfill', which reads every row again.";
    }

    /// @param most keys of a table that may wait
    public static String tooManyKeys(TableId table, long most) {
        return table
                + ": more than "
                + most
                + " keys are rejected, which is rejected-limit. See the causes with millrace"
                + " rejected list.";
    }

    /// @param most bytes of changes of a table that may wait
    public static String tooManyBytes(TableId table, long most) {
        return table
                + ": the changes of its rejected keys take more than "
                + most
                + " bytes. See the causes with millrace rejected list.";
    }

    public static String missingRow(TableId table) {
        return table
                + ": a change does not contain its unchanged large values (TOAST), and the target"
                + " has no row of this key. Somebody else deleted the row, or an earlier change of it"
                + " was skipped. Write these values again where the row comes from, or delete it"
                + " there and insert it again.";
    }

    public static String refusesTruncate(TableId table) {
        return table
                + ": the table that its rows come from was truncated, and 'truncate: refuse' keeps"
                + " the rows here.";
    }

    /// @param statement the kind of statement that had no effect, or another one
    public static String notExecuted(TableId table, String statement) {
        return table
                + ": the target did not execute the "
                + statement
                + " statement as sent, because a rule or a trigger of the table rewrites or skips"
                + " it. Run millrace plan to see its name, and disable it.";
    }

    private static void part(StringBuilder reason, String what, @Nullable String name) {
        if (name != null && !name.isEmpty()) {
            reason.append(", ").append(what).append(' ').append(name);
        }
    }

    private static String condition(SqlState state) {
        return switch (state) {
            case STRING_DATA_RIGHT_TRUNCATION -> "a value is longer than its column";
            case NUMERIC_VALUE_OUT_OF_RANGE -> "a number is outside its column's range";
            case INVALID_DATETIME_FORMAT, DATETIME_FIELD_OVERFLOW ->
                    "the column does not accept this date or time";
            case CHARACTER_NOT_IN_REPERTOIRE -> "the target's encoding does not have a character";
            case STRING_DATA_LENGTH_MISMATCH ->
                    "a bit string does not have the length of its column";
            case INVALID_TEXT_REPRESENTATION -> "the column's type does not accept a value";
            case NOT_NULL_VIOLATION -> "NULL in a NOT NULL column";
            case FOREIGN_KEY_VIOLATION -> "a foreign key is violated";
            case UNIQUE_VIOLATION -> "a unique constraint is violated";
            case CHECK_VIOLATION -> "a check constraint is violated";
            case EXCLUSION_VIOLATION -> "an exclusion constraint is violated";
            case INSUFFICIENT_PRIVILEGE -> "the role lacks a privilege";
            case UNDEFINED_TABLE -> "the table does not exist";
            case UNDEFINED_COLUMN -> "a column does not exist";
            default -> "the target refuses the change";
        };
    }
}
