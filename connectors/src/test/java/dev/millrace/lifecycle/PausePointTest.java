package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PausePointTest {

    @Test
    void theProductHasNoDoor() {
        assertThat(ServiceLoader.load(PausePoint.Door.class)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void passesWithoutADoor(PausePoint point) {
        assertThatCode(point::pass).doesNotThrowAnyException();
    }
}
