package dev.millrace;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.collectingAndThen;
import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.summingLong;
import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The grain of the product's source: public types are listed, packages stay small, and a file is
/// long enough to be worth opening.
class StructureTest {

    private static final int MOST_FILES_OF_A_PACKAGE = 35;
    private static final int MOST_LINES_OF_A_PACKAGE = 3_500;
    private static final int SHORT_FILE = 40;
    private static final int MOST_SHORT_FILES = 60;
    private static final int LEAST_MEDIAN = 85;

    private static final Pattern PUBLIC_TYPE =
            Pattern.compile(
                    "^public (?:(?:abstract|final|sealed|non-sealed) )*"
                            + "(?:class|interface|record|enum|@interface) (\\w+)",
                    Pattern.MULTILINE);

    private record Source(String packageName, String text) {

        static Source of(Path file) {
            try {
                String text = Files.readString(file);
                return new Source(
                        text.lines()
                                .filter(line -> line.startsWith("package "))
                                .findFirst()
                                .map(line -> line.substring("package ".length(), line.length() - 1))
                                .orElseThrow(),
                        text);
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
        }

        long lines() {
            return text.lines().count();
        }
    }

    /// A type that becomes public is a decision: it is added to `doors.txt`.
    @Test
    void onlyListedTypesArePublic() throws IOException {
        assertThat(doors(productSources())).isEqualTo(listedDoors());
    }

    @Test
    void aPublicTypeOutsideTheListIsReported() throws IOException {
        Source trespasser =
                new Source("dev.millrace.change", "public final class OutsideTheList {}\n");

        assertThat(doors(Stream.concat(productSources().stream(), Stream.of(trespasser)).toList()))
                .isNotEqualTo(listedDoors());
    }

    @Test
    void packagesStaySmall() throws IOException {
        Map<String, Long> files =
                productSources().stream().collect(groupingBy(Source::packageName, counting()));
        Map<String, Long> lines =
                productSources().stream()
                        .collect(groupingBy(Source::packageName, summingLong(Source::lines)));

        assertThat(files.values()).allMatch(count -> count <= MOST_FILES_OF_A_PACKAGE);
        assertThat(lines.values()).allMatch(count -> count <= MOST_LINES_OF_A_PACKAGE);
    }

    @Test
    void filesHaveAGrain() throws IOException {
        List<Long> lengths = productSources().stream().map(Source::lines).sorted().toList();

        assertThat(lengths.stream().filter(length -> length < SHORT_FILE))
                .hasSizeLessThanOrEqualTo(MOST_SHORT_FILES);
        assertThat(lengths.get(lengths.size() / 2)).isGreaterThanOrEqualTo(LEAST_MEDIAN);
    }

    private static SortedMap<String, String> doors(List<Source> sources) {
        return sources.stream()
                .flatMap(
                        source ->
                                PUBLIC_TYPE
                                        .matcher(source.text())
                                        .results()
                                        .map(
                                                type ->
                                                        Map.entry(
                                                                source.packageName(),
                                                                type.group(1))))
                .collect(
                        groupingBy(
                                Map.Entry::getKey,
                                TreeMap::new,
                                mapping(
                                        Map.Entry::getValue,
                                        collectingAndThen(
                                                toCollection(TreeSet::new),
                                                names -> String.join(" ", names)))));
    }

    private static SortedMap<String, String> listedDoors() throws IOException {
        SortedMap<String, String> doors = new TreeMap<>();
        try (var list = requireNonNull(StructureTest.class.getResourceAsStream("doors.txt"))) {
            new String(list.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(": ", 2))
                    .forEach(line -> doors.put(line[0], line[1]));
        }
        return doors;
    }

    private static List<Source> productSources() throws IOException {
        try (Stream<Path> modules = Files.list(Path.of("..").toRealPath())) {
            return modules.map(module -> module.resolve("src/main/java"))
                    .filter(Files::isDirectory)
                    .flatMap(StructureTest::javaFiles)
                    .filter(file -> !file.endsWith("package-info.java"))
                    .map(Source::of)
                    .toList();
        }
    }

    private static Stream<Path> javaFiles(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList().stream();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
