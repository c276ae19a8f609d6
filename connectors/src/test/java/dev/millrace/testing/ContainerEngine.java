package dev.millrace.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;

/// Whether a container engine answers. Testcontainers is asked only where there is a trace of an
/// engine: its search takes seconds and complains in the log.
final class ContainerEngine {

    private static final class Found {
        static final boolean ANSWERS =
                hasTrace() && DockerClientFactory.instance().isDockerAvailable();
    }

    private ContainerEngine() {}

    static boolean answers() {
        return Found.ANSWERS;
    }

    private static boolean hasTrace() {
        return System.getenv("DOCKER_HOST") != null
                || System.getenv("TESTCONTAINERS_HOST_OVERRIDE") != null
                || Stream.of(
                                Path.of("/var/run/docker.sock"),
                                in(System.getenv("XDG_RUNTIME_DIR"), "docker.sock"),
                                in(System.getProperty("user.home"), ".docker/run/docker.sock"),
                                in(System.getProperty("user.home"), ".testcontainers.properties"))
                        .filter(Objects::nonNull)
                        .anyMatch(Files::exists);
    }

    private static @Nullable Path in(@Nullable String folder, String name) {
        return folder == null ? null : Path.of(folder, name);
    }
}
