package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;

/// Random texts that stand for secrets and for values of rows, and the places that were searched
/// for them.
final class Leaks {

    private final Map<String, String> secrets = new LinkedHashMap<>();
    private final Map<String, String> values = new LinkedHashMap<>();
    private final Set<String> places = new TreeSet<>();
    private final List<String> found = new ArrayList<>();

    /// A secret, which may be nowhere.
    ///
    /// @param name says what it is
    String secret(String name) {
        return secrets.computeIfAbsent(name, _ -> random());
    }

    /// A value of a row, which may be only where rows are shown.
    String value(String name) {
        return values.computeIfAbsent(name, _ -> random());
    }

    private static String random() {
        return "canary" + UUID.randomUUID().toString().replace("-", "");
    }

    /// Searches a place in which neither may be.
    void search(String place, String text) {
        searchRows(place, text);
        note(values, place, text);
    }

    /// Searches a place that shows rows.
    ///
    /// @param hidden the names of values that it shows as hashes
    void searchRows(String place, String text, String... hidden) {
        places.add(place);
        note(secrets, place, text);
        for (String name : hidden) {
            note(Map.of(name, value(name)), place, text);
        }
    }

    private void note(Map<String, String> sought, String place, String text) {
        sought.forEach(
                (name, canary) -> {
                    String hex =
                            HexFormat.of().formatHex(canary.getBytes(StandardCharsets.US_ASCII));
                    for (String written : List.of(canary, hex)) {
                        if (text.contains(written)) {
                            found.add(name + " in " + place + ": " + around(text, written));
                        }
                    }
                });
    }

    private static String around(String text, String canary) {
        int at = text.indexOf(canary);
        return text.substring(Math.max(0, at - 150), Math.min(text.length(), at + 80))
                .replaceAll("\\s+", " ");
    }

    /// Searches all files of a folder, their names included. The archive contains reports.
    void searchFiles(Path folder, String... hidden) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.toList()) {
                String content =
                        Files.isRegularFile(file)
                                ? Files.readString(file, StandardCharsets.ISO_8859_1)
                                : "";
                String place = "file " + folder.relativize(file);
                if (place.endsWith("archive.json")) {
                    searchRows(place, content, hidden);
                } else {
                    search(place, file + "\n" + content);
                }
            }
        }
    }

    void requireNone() {
        assertThat(found).as("searched: " + places).isEmpty();
    }

    Set<String> places() {
        return places;
    }
}
