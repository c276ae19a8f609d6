package dev.millrace.deploy;

import dev.millrace.deploy.Findings.UnreadableFile;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The repository's files as a user has them, or a copy with a planted fault. Paths are relative to
/// the root and written with slashes.
record Checkout(Path root) {

    private static final List<String> DEPLOYED =
            List.of(
                    "pom.xml",
                    "docker-compose.yml",
                    ".env.example",
                    "k8s",
                    "pipeline/pom.xml",
                    "pipeline/src/compose");
    private static final Pattern VERSION =
            Pattern.compile("<artifactId>millrace</artifactId>\\s*<version>([^<]+)</version>");

    static Checkout repository() {
        return new Checkout(Path.of("..").toAbsolutePath().normalize());
    }

    /// A copy in which a text of one file was replaced.
    Checkout with(String file, String text, String replacement) {
        Checkout copy = new Checkout(TestFolders.create("checkout"));
        try {
            for (String deployed : DEPLOYED) {
                copy(root.resolve(deployed), copy.root.resolve(deployed));
            }
            String before = text(file);
            if (!before.contains(text)) {
                throw new IllegalArgumentException(file + " doesn't hold: " + text);
            }
            Files.writeString(copy.root.resolve(file), before.replace(text, replacement));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }

    String text(String file) {
        try {
            return Files.readString(root.resolve(file));
        } catch (IOException e) {
            throw new UnreadableFile(file, "can't be read: " + e.getClass().getSimpleName());
        }
    }

    boolean holds(String path) {
        return Files.exists(root.resolve(path));
    }

    /// The files directly in a folder, by name.
    List<String> filesIn(String folder) {
        try (Stream<Path> files = Files.list(root.resolve(folder))) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UnreadableFile(folder, "is no folder that can be read");
        }
    }

    String version() {
        return inPom(VERSION);
    }

    String versionOf(String property) {
        return inPom(Pattern.compile("<" + Pattern.quote(property) + ">([^<]+)</"));
    }

    Image image() {
        String container = "(?s)<container>.*?<%1$s>([^<]+)</%1$s>.*?</container>";
        String user = first("pipeline/pom.xml", Pattern.compile(container.formatted("user")));
        return new Image(
                Long.parseLong(user.replaceFirst(":.*", "")),
                Integer.parseInt(
                        first("pipeline/pom.xml", Pattern.compile(container.formatted("port")))),
                first("pipeline/pom.xml", Pattern.compile(container.formatted("volume"))));
    }

    /// What the image is built with.
    ///
    /// @param user by number, and the number of its group
    /// @param port that the service listens on
    /// @param volume the folder that it may write to
    record Image(long user, int port, String volume) {}

    private String inPom(Pattern pattern) {
        return first("pom.xml", pattern);
    }

    private String first(String file, Pattern pattern) {
        Matcher found = pattern.matcher(text(file));
        if (!found.find()) {
            throw new UnreadableFile(file, "holds nothing like " + pattern);
        }
        return found.group(1);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Path copied = to.resolve(from.relativize(path).toString());
                if (Files.isDirectory(path)) {
                    Files.createDirectories(copied);
                } else {
                    Files.createDirectories(copied.toAbsolutePath().getParent());
                    Files.copy(path, copied);
                }
            }
        }
    }
}
