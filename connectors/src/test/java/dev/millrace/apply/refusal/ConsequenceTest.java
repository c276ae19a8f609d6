package dev.millrace.apply.refusal;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConsequenceTest {

    @ParameterizedTest
    @CsvSource({
        "40001, RETRY", "40P01, RETRY", "55P03, RETRY", "57P01, RETRY", "57014, RETRY",
        "53100, RETRY", "53300, RETRY", "08006, RETRY", "25006, RETRY", "58030, RETRY",
        "XX000, RETRY", "23505, HOLD", "23P01, HOLD", "23503, HOLD", "23502, PARK",
        "23514, PARK", "22001, PARK", "22003, PARK", "22P02, PARK", "22021, PARK",
        "22P05, PARK", "44000, PARK", "54000, PARK", "P0001, PARK", "38000, PARK",
        "42P01, STOP", "42703, STOP", "42501, STOP", "42804, STOP", "42P10, STOP",
        "0A000, STOP", "3F000, STOP", "55000, STOP"
    })
    void followsFromTheSqlState(String state, Consequence consequence) {
        assertThat(Consequence.of(new SQLException("no", state))).isEqualTo(consequence);
    }
}
