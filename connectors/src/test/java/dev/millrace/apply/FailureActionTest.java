package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailureActionTest {

    @ParameterizedTest
    @CsvSource({
        "08006, RETRY",
        "08001, RETRY",
        "40001, RETRY",
        "40P01, RETRY",
        "55P03, RETRY",
        "57P01, RETRY",
        "57P03, RETRY",
        "57014, RETRY",
        "53100, RETRY",
        "53300, RETRY",
        "25006, RETRY",
        "22001, STOP_TABLE",
        "22P02, STOP_TABLE",
        "23505, STOP_TABLE",
        "23502, STOP_TABLE",
        "42P01, STOP_TABLE",
        "42501, STOP_TABLE",
        "21000, STOP_TABLE",
        "P0001, STOP_TABLE",
        "55000, STOP_TABLE",
        "28P01, STOP",
        "3D000, STOP",
        "XX001, STOP",
        "25P02, STOP",
        "26000, STOP"
    })
    void theStateDecides(String state, FailureAction remedy) {
        assertThat(FailureAction.of(new SQLException("said", state))).isEqualTo(remedy);
    }

    @Test
    void withoutAStateNothingIsTriedAgain() {
        assertThat(FailureAction.of(new SQLException("said"))).isEqualTo(FailureAction.STOP);
    }

    @Test
    void aReasonHoldsNothingOfWhatTheDriverSaid() {
        String reason =
                StopReason.of(
                        new TableId("crm", "customer"),
                        new SQLException("invalid input: \"secret\"", "22P02"),
                        Optional.empty());

        assertThat(reason).startsWith("crm.customer: ").contains("22P02").doesNotContain("secret");
    }
}
