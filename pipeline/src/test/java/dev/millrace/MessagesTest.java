package dev.millrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Compares every text for users in the main sources with the golden file `messages.txt`, so that a
/// changed message shows in a diff, and refuses words of the language guide that have no technical
/// meaning.
class MessagesTest {

    private static final Path CHECKOUT = Path.of("..");
    private static final Path GOLDEN = Path.of("src/test/resources/messages.txt");
    private static final Path WRITTEN = Path.of("target/messages.txt");
    private static final int DIFFERENCES_SHOWN = 20;
    private static final String ACCEPT =
            "./mvnw -q -pl pipeline -am -Dtest=MessagesTest -Dsurefire.failIfNoSpecifiedTests=false"
                    + " -Dmessages=accept test";

    /// The guide's other words also have technical meanings; readers judge them.
    private static final Pattern BANNED =
            Pattern.compile(
                    "(?i)\\b(anew|behold|whoever|those of|told|tells|is said to be|"
                            + "mend(?:s|ed|ing)?|at rest|of its own|of their own|another than|"
                            + "to be had|can be had|heirs?|eyes?|witness(?:es)?|lookouts?|roads?|"
                            + "deeds?|lanes?|feels?|nobody|amiss|a look)\\b");

    @Test
    void messagesEqualTheGoldenFile() throws IOException {
        List<String> lines = goldenLines(mainTexts());
        if (System.getProperty("messages", "").equals("accept")) {
            Files.write(GOLDEN, lines);
        }
        List<String> golden = Files.exists(GOLDEN) ? Files.readAllLines(GOLDEN) : List.of();
        if (!golden.equals(lines)) {
            Files.write(
                    Files.createDirectories(WRITTEN.getParent()).resolve("messages.txt"), lines);
            fail(
                    "Messages differ from pipeline/%s; the new list is pipeline/%s.%n%s%nReview the"
                            + " changes, then accept them: %s",
                    GOLDEN, WRITTEN, differences(golden, lines), ACCEPT);
        }
    }

    @Test
    void messagesHaveNoBannedWord() {
        assertThat(mainTexts().all()).filteredOn(MessagesTest::isBanned).isEmpty();
    }

    @Test
    void deploymentFilesAndReadmeHaveNoBannedWord() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : filesForUsers()) {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (isBanned(lines.get(i))) {
                    found.add(file + ":" + (i + 1) + ": " + lines.get(i).strip());
                }
            }
        }
        assertThat(found).isEmpty();
    }

    @Test
    void bannedWordsAreWholeWords() {
        assertThat(List.of("3 findings to mend", "Whoever asks", "it is told.", "lines for eyes"))
                .allMatch(MessagesTest::isBanned);
        assertThat(List.of("recommend", "a broader plan", "eyesight", "indeed", "interest"))
                .noneMatch(MessagesTest::isBanned);
    }

    @Test
    void collectsPhrasesAndLeavesOutSqlAndPatterns() {
        SourceTexts texts =
                SourceTexts.of(
                        """
                        package sample;
                        @SuppressWarnings("not a message")
                        class Sample {
                            @Option(description = "Shows the " + "lag.") int lag;
                            String a(int n) {
                                return "table " + n + (n > 1 ? " has many rows" : "") + " is empty";
                            }
                            String b = "SELECT id FROM t WHERE id > 0";
                            String c = " AND c.relkind = 'r'";
                            boolean d = "x".matches("one or two words");
                            String e = "one";
                            String f = "GET /api/v1/status";
                            String g = \"""
                                    Two lines
                                    of text.
                                    \""";
                        }
                        """);

        assertThat(texts.lines())
                .containsExactly(
                        "",
                        "## sample",
                        "",
                        "### Sample",
                        "Shows the lag.",
                        "Two lines of text.",
                        "has many rows",
                        "table {}{} is empty");
    }

    private static boolean isBanned(String text) {
        return BANNED.matcher(text).find();
    }

    private static SourceTexts mainTexts() {
        return SourceTexts.of(
                Stream.of("transforms", "connectors", "pipeline")
                        .map(module -> CHECKOUT.resolve(module).resolve("src/main/java"))
                        .toList());
    }

    private static List<String> goldenLines(SourceTexts texts) {
        return Stream.concat(
                        Stream.of(
                                "# Every text for users in the main sources, by package and type."
                                        + " Written by MessagesTest.",
                                "# {} stands for a value. To accept changes: " + ACCEPT),
                        texts.lines().stream())
                .toList();
    }

    private static List<Path> filesForUsers() {
        return Stream.of(
                        "docker-compose.yml",
                        ".env.example",
                        "README.md",
                        "docs/runbooks",
                        "docs/troubleshooting.md",
                        "k8s",
                        "pipeline/src/compose")
                .map(CHECKOUT::resolve)
                .flatMap(MessagesTest::files)
                .toList();
    }

    private static Stream<Path> files(Path root) {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String differences(List<String> golden, List<String> lines) {
        return String.join(
                System.lineSeparator(),
                Stream.concat(
                                golden.stream()
                                        .filter(line -> !lines.contains(line))
                                        .map(line -> "- " + line),
                                lines.stream()
                                        .filter(line -> !golden.contains(line))
                                        .map(line -> "+ " + line))
                        .limit(DIFFERENCES_SHOWN)
                        .toList());
    }
}
