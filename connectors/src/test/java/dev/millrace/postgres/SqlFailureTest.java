package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SqlFailureTest {

    @ParameterizedTest
    @CsvSource({
        "08001, UNREACHABLE", "08006, UNREACHABLE", "57P01, UNREACHABLE", "57P03, BUSY",
        "53300, BUSY", "28P01, LOGIN_REFUSED", "08004, LOGIN_REFUSED", "3D000, DATABASE_MISSING",
        "42501, NO_PRIVILEGE", "40P01, RETRY", "23505, REJECTED_VALUE", "22P02, REJECTED_VALUE",
        "42P01, UNDEFINED", "XX000, OTHER"
    })
    void mapsSqlStateToKind(String sqlState, SqlFailure kind) {
        assertThat(SqlFailure.of(new SQLException("x", sqlState))).isEqualTo(kind);
    }

    @Test
    void findsKindOfWrappedException() {
        SQLException wrapped =
                new SQLTransientConnectionException(
                        "timed out", new SQLException("password", "28P01"));

        assertThat(SqlFailure.of(wrapped)).isEqualTo(SqlFailure.LOGIN_REFUSED);
    }

    @Test
    void everyStateHasAKnownClass() {
        assertThat(SqlState.values())
                .filteredOn(state -> state != SqlState.OTHER)
                .allSatisfy(
                        state -> {
                            assertThat(SqlState.of(new SQLException("x", state.code())))
                                    .isEqualTo(state);
                            assertThat(ErrorClass.of(state.code())).isNotEqualTo(ErrorClass.OTHER);
                            assertThat(SqlFailure.of(new SQLException("x", state.code())))
                                    .isNotEqualTo(SqlFailure.OTHER);
                        });
        assertThat(SqlState.of(new SQLException("no state"))).isEqualTo(SqlState.OTHER);
    }
}
