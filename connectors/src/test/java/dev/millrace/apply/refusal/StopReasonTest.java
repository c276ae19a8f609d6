package dev.millrace.apply.refusal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StopReasonTest {

    @Test
    void omitsTheMessageOfTheDriver() {
        String reason =
                StopReason.cause(
                        new TableId("crm", "customer"),
                        new SQLException("invalid input: \"secret\"", "22P02"),
                        Optional.empty());

        assertThat(reason).startsWith("crm.customer: ").contains("22P02").doesNotContain("secret");
    }
}
