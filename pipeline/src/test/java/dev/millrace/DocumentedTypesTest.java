package dev.millrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Checks that README and CONTRIBUTING name only types and packages that exist.
class DocumentedTypesTest {

    private static final Path CHECKOUT = Path.of("..");
    private static final List<String> DOCUMENTS = List.of("README.md", "CONTRIBUTING.md");

    /// `Type`, `package/Type` or `package.sub/Type`, possibly with a member.
    private static final Pattern TYPE =
            Pattern.compile("`(?:([a-z][a-z.]*)/)?([A-Z]\\w*[a-z]\\w*)(?:[.#][\\w.#()]+)?`");

    private static final Pattern DECLARATION =
            Pattern.compile("\\b(?:class|interface|record|enum)\\s+([A-Z]\\w*)");

    /// Names in backticks that are not ours: Kubernetes' deployment strategy.
    private static final Set<String> FOREIGN = Set.of("Recreate");

    @Test
    void everyNamedTypeExists() throws IOException {
        Set<String> declared = declared();
        Set<String> missing = new TreeSet<>();
        int named = 0;
        for (String document : DOCUMENTS) {
            for (MatchResult match : named(Files.readString(CHECKOUT.resolve(document)))) {
                named++;
                String folder = match.group(1);
                String type = match.group(2);
                String wanted =
                        folder == null ? type : folder.replace('.', '/') + "/" + type + ".java";
                if (!declared.contains(wanted) && !FOREIGN.contains(type)) {
                    missing.add(document + ": " + match.group());
                }
            }
        }

        assertThat(missing).isEmpty();
        assertThat(named).as("types named in the documents").isGreaterThan(20);
    }

    @Test
    void findsAMissingType() {
        assertThat(named("`NoSuchType` and `preflight/NoSuchCheck`, `lower`, `NULL`, `Lsn#of`"))
                .extracting(match -> match.group(2))
                .containsExactly("NoSuchType", "NoSuchCheck", "Lsn");
        assertThat(declared())
                .contains("MigrationSpec", "preflight/Preflight.java")
                .doesNotContain("NoSuchType", "http/Preflight.java");
    }

    private static List<MatchResult> named(String text) {
        Matcher matcher = TYPE.matcher(text);
        return matcher.results().toList();
    }

    /// Simple names of all types, and `package/Type.java` of each file.
    private static Set<String> declared() {
        return Stream.of("transforms", "connectors", "pipeline")
                .flatMap(module -> Stream.of(module + "/src/main/java", module + "/src/test/java"))
                .map(CHECKOUT::resolve)
                .flatMap(DocumentedTypesTest::names)
                .collect(Collectors.toSet());
    }

    private static Stream<String> names(Path root) {
        Path base = root.resolve("dev/millrace");
        try (Stream<Path> files = Files.walk(base)) {
            return files
                    .filter(file -> file.toString().endsWith(".java"))
                    .flatMap(
                            file ->
                                    Stream.concat(
                                            Stream.of(base.relativize(file).toString()),
                                            DECLARATION
                                                    .matcher(read(file))
                                                    .results()
                                                    .map(match -> match.group(1))))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
