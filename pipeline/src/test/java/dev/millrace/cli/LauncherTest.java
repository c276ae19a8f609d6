package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Runs the launcher in a checkout whose build and whose Java are scripts that record their calls.
class LauncherTest {

    private static final Path LAUNCHER = Path.of("..", "millrace").toAbsolutePath().normalize();

    @TempDir private Path folder;
    private Path root;

    @BeforeEach
    void createCheckout() throws IOException {
        root = Files.createDirectories(folder.resolve("a checkout")).toRealPath();
        script("millrace", Files.readString(LAUNCHER));
        script(
                "mvnw",
                """
                #!/bin/sh
                echo building
                echo build >>builds
                [ ! -e broken ] || exit 1
                mkdir -p pipeline/target/lib
                echo jar >pipeline/target/millrace-pipeline-1.jar
                echo jar >pipeline/target/lib/millrace-transforms-1.jar
                echo jar >pipeline/target/lib/other-2.jar
                """);
        script(
                "jdk/bin/java",
                """
                #!/bin/sh
                for argument in "$@"; do echo "$argument"; done
                """);
        write(".mvn/jdk.sh", "JAVA_HOME='" + root + "/jdk'\n");
        write("pom.xml", "");
        write("pipeline/pom.xml", "");
        write("pipeline/src/main/java/A.java", "");
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.toList()) {
                Files.setLastModifiedTime(file, FileTime.from(now().minus(Duration.ofHours(1))));
            }
        }
    }

    @Test
    void buildsOnceAndReservesStandardOutputForTheProgram() throws Exception {
        Run first = run(root, "./millrace", "status", "-o", "a b");
        Run second = run(root, "./millrace", "status");

        assertThat(first.exitCode).isZero();
        assertThat(first.out).doesNotContain("building").contains("dev.millrace.app.Main");
        assertThat(first.out.lines()).endsWith("status", "-o", "a b");
        assertThat(first.err).contains("building");
        assertThat(second.err).isEmpty();
        assertThat(builds()).isEqualTo(1);
        assertThat(root.resolve("target/build.lock")).doesNotExist();
    }

    @Test
    void runsOnlyAJarOfItsOwnBuild() throws Exception {
        List<String> before = classPath(run(root, "./millrace", "status"));
        Files.writeString(root.resolve("pipeline/src/main/java/B.java"), "");
        List<String> after = classPath(run(root, "./millrace", "status"));

        assertThat(builds()).isEqualTo(2);
        assertThat(after.getFirst()).isNotEqualTo(before.getFirst());
        assertThat(names(after.getFirst()))
                .containsExactlyInAnyOrder("millrace-pipeline-1.jar", "millrace-transforms-1.jar");
        assertThat(names(after.getLast())).containsExactly("other-2.jar");
        assertThat(names(before.getFirst())).contains("millrace-pipeline-1.jar");
    }

    @Test
    void buildsAgainWhenASourceOrAPomIsNewer() throws Exception {
        run(root, "./millrace", "status");
        touch("pipeline/pom.xml");
        run(root, "./millrace", "status");
        assertThat(builds()).isEqualTo(2);

        Files.delete(root.resolve("pipeline/src/main/java/A.java"));
        touch("pipeline/src/main/java");
        run(root, "./millrace", "status");
        assertThat(builds()).isEqualTo(3);
    }

    @Test
    void worksThroughALinkAndFromAnotherDirectory() throws Exception {
        Path link =
                Files.createSymbolicLink(folder.resolve("mill"), Path.of("a checkout/millrace"));
        Path second = Files.createSymbolicLink(folder.resolve("mill2"), link);

        assertThat(run(Path.of("/"), second.toString(), "status").exitCode).isZero();
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void concurrentStartsBuildOnce() throws Exception {
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            processes.add(start(root, "./millrace", "status"));
        }
        for (Process process : processes) {
            assertThat(finish(process).exitCode).isZero();
        }
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void takesOverTheLockOfADeadBuild() throws Exception {
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Files.createDirectories(root.resolve("target"));
        Files.createSymbolicLink(
                root.resolve("target/build.lock"), Path.of(Long.toString(dead.pid())));

        assertThat(run(root, "./millrace", "status").exitCode).isZero();
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void runsNothingAfterAFailedBuild() throws Exception {
        write("broken", "");

        Run failed = run(root, "./millrace", "status");

        assertThat(failed.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(failed.out).isEmpty();
        assertThat(failed.err).contains("The build failed");
        assertThat(root.resolve("target/build.lock")).doesNotExist();

        Files.delete(root.resolve("broken"));
        assertThat(run(root, "./millrace", "status").exitCode).isZero();
    }

    @Test
    void clientCommandsUseLightFlagsAndAServiceExitsWhenOutOfMemory() throws Exception {
        assertThat(run(root, "./millrace", "--debug", "lag").out)
                .contains("-XX:TieredStopAtLevel=1")
                .doesNotContain("OutOfMemory");
        assertThat(run(root, "./millrace", "run", "-c", "x").out)
                .contains("-XX:+ExitOnOutOfMemoryError")
                .doesNotContain("TieredStop");
    }

    @Test
    void theBenchmarkKnowsItsCheckoutAndUsesBothCompilers() throws Exception {
        assertThat(run(root, "./millrace", "bench", "--quick").out)
                .contains("-Dmillrace.checkout=" + root.toRealPath() + "\n")
                .doesNotContain("TieredStop");
        assertThat(run(root, "./millrace", "demo").out).doesNotContain("millrace.checkout");
    }

    @Test
    void clientCommandsUseTheClassArchiveOfTheBuild() throws Exception {
        List<String> before = classPath(run(root, "./millrace", "status"));
        assertThat(run(root, "./millrace", "status").out).doesNotContain("SharedArchive");
        Path archive = Path.of(before.getFirst().replace("/*", "/client.jsa"));
        Files.writeString(archive, "");

        assertThat(run(root, "./millrace", "status").out.lines())
                .contains("-XX:SharedArchiveFile=" + archive);
        assertThat(run(root, "./millrace", "run").out).doesNotContain("SharedArchive");
    }

    @Test
    void theFirstDemoRecordsTheStartCacheThatAServiceUses() throws Exception {
        String run = run(root, "./millrace", "run").out;
        Path jars = Path.of(classPath(run).getFirst().replace("/*", ""));
        Path cache = jars.resolve("run.aot");
        assertThat(run).doesNotContain("AOT");
        script(
                "jdk/bin/java",
                """
                #!/bin/sh
                for argument in "$@"; do
                    echo "$argument"
                    case $argument in
                        -XX:AOTConfiguration=*) record=${argument#*=} ;;
                        -XX:AOTCache=*) cache=${argument#*=} ;;
                        -XX:AOTMode=*) mode=${argument#*=} ;;
                    esac
                done
                case ${mode:-} in
                    record) echo classes >"$record" ;;
                    create) cp "$record" "$cache" ;;
                esac
                """);

        assertThat(run(root, "./millrace", "demo").out).contains("-XX:AOTMode=record");
        Awaitility.await().until(() -> Files.exists(cache));

        assertThat(run(root, "./millrace", "run").out.lines()).contains("-XX:AOTCache=" + cache);
        assertThat(run(root, "./millrace", "demo").out).doesNotContain("record");
        Awaitility.await().until(() -> names(jars, "run.aot").size() == 1);
    }

    @Test
    void runsAnUnpackedDistribution() throws Exception {
        Path distribution = folder.resolve("distribution");
        Files.createDirectories(distribution.resolve("lib"));
        Files.copy(root.resolve("millrace"), distribution.resolve("millrace"));
        Files.copy(root.resolve(".mvn/jdk.sh"), distribution.resolve("lib/jdk.sh"));

        Run run = run(Path.of("/"), distribution.resolve("millrace").toString(), "status");

        assertThat(run.exitCode).isZero();
        assertThat(run.out).contains(distribution.toRealPath() + "/lib/*\n");
        assertThat(root.resolve("builds")).doesNotExist();
        Run bench = run(Path.of("/"), distribution.resolve("millrace").toString(), "bench");
        assertThat(bench.out).doesNotContain("millrace.checkout");
    }

    private static List<String> classPath(Run run) {
        return classPath(run.out);
    }

    private static List<String> classPath(String out) {
        List<String> lines = out.lines().toList();
        return List.of(lines.get(lines.indexOf("-cp") + 1).split(":"));
    }

    private static List<String> names(String wildcard) throws IOException {
        return names(Path.of(wildcard.replace("/*", "")), ".jar");
    }

    private static List<String> names(Path folder, String part) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.contains(part))
                    .toList();
        }
    }

    private long builds() throws IOException {
        return Files.readAllLines(root.resolve("builds")).size();
    }

    private void touch(String file) throws IOException {
        Files.setLastModifiedTime(
                root.resolve(file), FileTime.from(now().plus(Duration.ofSeconds(2))));
    }

    private Instant now() throws IOException {
        return Files.getLastModifiedTime(Files.createTempFile(folder, "now", "")).toInstant();
    }

    private void script(String file, String text) throws IOException {
        write(file, text);
        Files.setPosixFilePermissions(
                root.resolve(file), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void write(String file, String text) throws IOException {
        Files.createDirectories(root.resolve(file).getParent());
        Files.writeString(root.resolve(file), text);
    }

    private static Run run(Path directory, String... command) throws Exception {
        return finish(start(directory, command));
    }

    private static Process start(Path directory, String... command) throws IOException {
        return new ProcessBuilder(command).directory(directory.toFile()).start();
    }

    private static Run finish(Process process) throws Exception {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Run(process.waitFor(), out, err);
    }

    private record Run(int exitCode, String out, String err) {}
}
