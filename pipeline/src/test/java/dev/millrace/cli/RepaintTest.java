package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.text.Repaint;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RepaintTest {

    @Test
    void overwritesThePreviousBlockAndCutsLongLines() {
        StringWriter out = new StringWriter();
        Terminal terminal =
                new Terminal(
                        new PrintWriter(out),
                        new PrintWriter(out),
                        Map.of(),
                        InstantSource.system(),
                        true,
                        40);
        Repaint repaint = new Repaint(terminal);

        repaint.show(List.of("a", "\u001b[31m" + "b".repeat(50) + "\u001b[0m"));
        repaint.show(List.of("c"));

        assertThat(out)
                .hasToString("a\n\u001b[31m" + "b".repeat(40) + "\u001b[0m\n\u001b[2A\u001b[Jc\n");
    }
}
