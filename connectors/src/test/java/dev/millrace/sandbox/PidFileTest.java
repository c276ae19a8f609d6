package dev.millrace.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PidFileTest {

    @Test
    void serverIsReadyOnlyIfTheEighthLineSaysSo() {
        List<String> lines =
                List.of("4711", "/d", "1792", "5432", "", "127.0.0.1", "1 2", "starting");
        List<String> ready =
                List.of("4711", "/d", "1792", "5432", "", "127.0.0.1", "1 2", "ready   ");

        assertThat(PidFile.parse(lines)).contains(new PidFile(4711, false));
        assertThat(PidFile.parse(ready)).contains(new PidFile(4711, true));
        assertThat(PidFile.parse(ready.subList(0, 7))).contains(new PidFile(4711, false));
    }

    @Test
    void fileWithoutANumberNamesNoServer() {
        assertThat(PidFile.parse(List.of())).isEmpty();
        assertThat(PidFile.parse(List.of(""))).isEmpty();
        assertThat(PidFile.parse(List.of("-4711"))).isEmpty();
        assertThat(PidFile.parse(List.of("0"))).isEmpty();
    }
}
