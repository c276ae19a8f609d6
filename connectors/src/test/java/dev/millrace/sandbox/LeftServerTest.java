package dev.millrace.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LeftServerTest {

    private static final Path DATA = Path.of("/srv/demo/source/data");

    @Test
    void processIsOursOnlyIfTheFolderFollowsDashD() {
        assertThat(owner("/x/bin/postgres", "-D", "/srv/demo/source/data"))
                .isEqualTo(LeftServer.Owner.OURS);
        assertThat(owner("/x/bin/postgres", "-D", "/srv/demo/source/data2"))
                .isEqualTo(LeftServer.Owner.ANOTHER);
        assertThat(owner("vi", "/srv/demo/source/data")).isEqualTo(LeftServer.Owner.ANOTHER);
        assertThat(owner("/srv/demo/source/data", "-D")).isEqualTo(LeftServer.Owner.ANOTHER);
    }

    @Test
    void unreadableCommandLineIsUnknown() {
        assertThat(LeftServer.owner(Optional.empty(), DATA)).isEqualTo(LeftServer.Owner.UNKNOWN);
    }

    private static LeftServer.Owner owner(String... commandLine) {
        return LeftServer.owner(Optional.of(List.of(commandLine)), DATA);
    }
}
