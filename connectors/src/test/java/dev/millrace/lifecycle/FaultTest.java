package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class FaultTest {

    @Test
    void showsTypesAndPlacesButNoMessage() {
        Throwable failure =
                new IllegalStateException(
                        "row (1, 'secret')", new NumberFormatException("For input: secret"));
        StringWriter shown = new StringWriter();

        Fault.of(failure).printStackTrace(new PrintWriter(shown));

        assertThat(shown.toString())
                .contains(
                        "java.lang.IllegalStateException",
                        "java.lang.NumberFormatException",
                        "FaultTest.showsTypesAndPlacesButNoMessage")
                .doesNotContain("secret");
    }
}
