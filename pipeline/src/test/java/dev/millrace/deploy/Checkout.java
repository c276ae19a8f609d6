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

/// The deployment files of the repository, or a copy with a planted fault. Paths are relative to
/// the root and use slashes.
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

    /// Copies the files and replaces a text in one of them.
    Checkout with(String file, String text, String replacement) {
        Checkout copy = new Checkout(TestFolders.create("checkout"));
        try {
            for (String deployed : DEPLOYED) {
                copy(root.resolve(deployed), copy.root.resolve(deployed));
            }
            String before = text(file);
            if (!before.contains(text)) {
                throw new IllegalArgumentException(file + " does not contain: " + text);
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
            throw new UnreadableFile(file, "cannot be read: " + e.getClass().getSimpleName());
        }
    }

    boolean holds(String path) {
        return Files.exists(root.resolve(path));
    }

    /// Names of the files directly in a folder, sorted.
    List<String> filesIn(String folder) {
        try (Stream<Path> files = Files.list(root.resolve(folder))) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UnreadableFile(folder, "is not a readable folder");
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

    /// The format of the log in the image.
    String logFormat() {
        return first(
                "pipeline/pom.xml", Pattern.compile("<environment>\\s*<MILLRACE_LOG>([^<]+)</"));
    }

    /// Settings of the image from the pom.
    ///
    /// @param user numeric user id
    /// @param port port of the service
    /// @param volume the writable folder
    record Image(long user, int port, String volume) {}

    private String inPom(Pattern pattern) {
        return first("pom.xml", pattern);
    }

    private String first(String file, Pattern pattern) {
        Matcher found = pattern.matcher(text(file));
        if (!found.find()) {
            throw new UnreadableFile(file, "does not match " + pattern);
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
