package dev.millrace.faults.harness;

import dev.millrace.lifecycle.PausePoint;
import dev.millrace.testing.ChildProcess;
import dev.millrace.testing.TestFolders;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/// The class path of the children: this JVM's, with the door, and every folder as a jar. The JVM
/// shares archived classes only from jars, and with an archive a child starts in half of the time.
/// To write one takes seconds, so only a test with many runs asks for it. Thread-safe.
final class ChildClasses {

    private static final Path FOLDER = TestFolders.create("child-classes");
    private static final Path ARCHIVE = FOLDER.resolve("classes.jsa");
    private static final List<String> JARS = jars();
    private static volatile boolean shared;

    private ChildClasses() {}

    static List<String> classPath() {
        return JARS;
    }

    /// From now on the first child that nobody kills writes an archive, and later ones use it.
    static void share() {
        shared = true;
    }

    /// Options of a child that uses the archive, or records what one must contain.
    static List<String> options() {
        if (!shared) {
            return List.of();
        }
        return Files.exists(ARCHIVE)
                ? List.of("-XX:SharedArchiveFile=" + ARCHIVE, "-Xlog:disable")
                : List.of("-XX:+RecordDynamicDumpInfo", "-Xlog:disable");
    }

    /// Writes the archive, from the classes that a running child has loaded, if it is missing.
    static synchronized void archive(ChildProcess child) throws IOException, InterruptedException {
        if (shared && !Files.exists(ARCHIVE)) {
            Path unfinished = FOLDER.resolve("unfinished.jsa");
            child.jcmd("VM.cds", "dynamic_dump", unfinished.toString());
            if (Files.exists(unfinished)) {
                Files.move(unfinished, ARCHIVE);
            }
        }
    }

    private static List<String> jars() {
        List<String> entries = new ArrayList<>();
        try {
            Path door = FOLDER.resolve("door.jar");
            try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(door))) {
                jar.putNextEntry(
                        new JarEntry("META-INF/services/" + PausePoint.Door.class.getName()));
                jar.write(FaultDoor.class.getName().getBytes(StandardCharsets.UTF_8));
            }
            entries.add(door.toString());
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                Path path = Path.of(entry);
                if (Files.isDirectory(path)) {
                    entries.add(jar(path, FOLDER.resolve(entries.size() + ".jar")).toString());
                } else if (Files.exists(path)) {
                    entries.add(entry);
                }
            }
            return List.copyOf(entries);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path jar(Path folder, Path file) throws IOException {
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file));
                Stream<Path> files = Files.walk(folder)) {
            jar.setLevel(0);
            for (Path each : files.filter(Files::isRegularFile).toList()) {
                jar.putNextEntry(new JarEntry(folder.relativize(each).toString()));
                Files.copy(each, jar);
            }
        }
        return file;
    }
}
