package dev.millrace.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ServerTextTest {

    @Test
    void smallNumbersPrintAsNumbers() {
        assertThat(ServerText.of((short) -7)).isEqualTo("-7");
    }

    @Test
    void whatIsNotKnownIsRefusedByItsClassAndNotByItsValue() {
        assertThatThrownBy(() -> ServerText.of(List.of("secret")))
                .isInstanceOf(UnreadableChangeException.class)
                .hasMessageContaining("List")
                .hasMessageNotContaining("secret");
    }
}
