package dev.millrace.postgres;

import java.sql.SQLException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The SQLSTATEs that Millrace treats differently, by PostgreSQL's condition names. The only place
/// that contains the codes; [ErrorClass] names their classes.
public enum SqlState {
    UNABLE_TO_CONNECT("08001"),
    CONNECTION_DOES_NOT_EXIST("08003"),
    CONNECTION_REJECTED("08004"),
    STRING_DATA_RIGHT_TRUNCATION("22001"),
    NUMERIC_VALUE_OUT_OF_RANGE("22003"),
    INVALID_DATETIME_FORMAT("22007"),
    DATETIME_FIELD_OVERFLOW("22008"),
    CHARACTER_NOT_IN_REPERTOIRE("22021"),
    STRING_DATA_LENGTH_MISMATCH("22026"),
    INVALID_TEXT_REPRESENTATION("22P02"),
    NOT_NULL_VIOLATION("23502"),
    FOREIGN_KEY_VIOLATION("23503"),
    UNIQUE_VIOLATION("23505"),
    CHECK_VIOLATION("23514"),
    EXCLUSION_VIOLATION("23P01"),
    READ_ONLY_TRANSACTION("25006"),
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT("25P03"),
    TRANSACTION_TIMEOUT("25P04"),
    INVALID_AUTHORIZATION("28000"),
    INVALID_PASSWORD("28P01"),
    DEPENDENT_OBJECTS_STILL_EXIST("2BP01"),
    INVALID_CATALOG_NAME("3D000"),
    INVALID_SCHEMA_NAME("3F000"),
    SERIALIZATION_FAILURE("40001"),
    DEADLOCK_DETECTED("40P01"),
    INSUFFICIENT_PRIVILEGE("42501"),
    UNDEFINED_COLUMN("42703"),
    UNDEFINED_OBJECT("42704"),
    UNDEFINED_FUNCTION("42883"),
    UNDEFINED_TABLE("42P01"),
    DISK_FULL("53100"),
    TOO_MANY_CONNECTIONS("53300"),
    CONFIGURATION_LIMIT_EXCEEDED("53400"),
    OBJECT_NOT_IN_PREREQUISITE_STATE("55000"),
    OBJECT_IN_USE("55006"),
    CANT_CHANGE_RUNTIME_PARAM("55P02"),
    LOCK_NOT_AVAILABLE("55P03"),
    QUERY_CANCELED("57014"),
    ADMIN_SHUTDOWN("57P01"),
    CRASH_SHUTDOWN("57P02"),
    CANNOT_CONNECT_NOW("57P03"),
    IDLE_SESSION_TIMEOUT("57P05"),
    /// Any other SQLSTATE, or none.
    OTHER("");

    private static final Map<String, SqlState> BY_CODE =
            Arrays.stream(values()).collect(Collectors.toMap(SqlState::code, Function.identity()));

    private final String code;

    SqlState(String code) {
        this.code = code;
    }

    public String code() {
        return code;
    }

    /// Whether the server or the driver reported this SQLSTATE. Looks at the failure alone, not at
    /// its causes.
    public boolean matches(SQLException failure) {
        return of(failure) == this;
    }

    public static SqlState of(SQLException failure) {
        return of(failure.getSQLState());
    }

    static SqlState of(@Nullable String sqlState) {
        return sqlState == null
                ? OTHER
                : BY_CODE.getOrDefault(sqlState.toUpperCase(Locale.ROOT), OTHER);
    }

    /// The class of a SQLSTATE, its first two characters, by PostgreSQL's names.
    public enum ErrorClass {
        CONNECTION_EXCEPTION("08"),
        FEATURE_NOT_SUPPORTED("0A"),
        INVALID_TRANSACTION_INITIATION("0B"),
        CARDINALITY_VIOLATION("21"),
        DATA_EXCEPTION("22"),
        INTEGRITY_CONSTRAINT_VIOLATION("23"),
        INVALID_TRANSACTION_STATE("25"),
        INVALID_SQL_STATEMENT_NAME("26"),
        TRIGGERED_DATA_CHANGE_VIOLATION("27"),
        INVALID_AUTHORIZATION("28"),
        DEPENDENT_PRIVILEGE_DESCRIPTORS_STILL_EXIST("2B"),
        INVALID_TRANSACTION_TERMINATION("2D"),
        SQL_ROUTINE_EXCEPTION("2F"),
        INVALID_CURSOR_NAME("34"),
        EXTERNAL_ROUTINE_EXCEPTION("38"),
        EXTERNAL_ROUTINE_INVOCATION_EXCEPTION("39"),
        SAVEPOINT_EXCEPTION("3B"),
        INVALID_CATALOG_NAME("3D"),
        INVALID_SCHEMA_NAME("3F"),
        TRANSACTION_ROLLBACK("40"),
        SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION("42"),
        WITH_CHECK_OPTION_VIOLATION("44"),
        INSUFFICIENT_RESOURCES("53"),
        PROGRAM_LIMIT_EXCEEDED("54"),
        OBJECT_NOT_IN_PREREQUISITE_STATE("55"),
        OPERATOR_INTERVENTION("57"),
        SYSTEM_ERROR("58"),
        CONFIGURATION_FILE_ERROR("F0"),
        PLPGSQL_ERROR("P0"),
        /// Any other class, or no SQLSTATE of five characters.
        OTHER("");

        private static final Map<String, ErrorClass> BY_PREFIX =
                Arrays.stream(values())
                        .collect(Collectors.toMap(each -> each.prefix, Function.identity()));

        private final String prefix;

        ErrorClass(String prefix) {
            this.prefix = prefix;
        }

        /// Looks at the failure alone, not at its causes.
        public static ErrorClass of(SQLException failure) {
            return of(failure.getSQLState());
        }

        public static ErrorClass of(@Nullable String sqlState) {
            return sqlState == null || sqlState.length() != 5
                    ? OTHER
                    : BY_PREFIX.getOrDefault(
                            sqlState.substring(0, 2).toUpperCase(Locale.ROOT), OTHER);
        }

        /// A value does not fit its column or a constraint. The server's message may quote the row.
        public boolean isAboutValues() {
            return this == DATA_EXCEPTION || this == INTEGRITY_CONSTRAINT_VIOLATION;
        }
    }
}
