package dev.millrace.sandbox;

import dev.millrace.sandbox.SandboxSettings.Durability;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/// The contents of a server's folder: `data` (created once, completely or not at all),
/// `server.log`, the superuser's `password` and the last `port`. Not thread-safe.
final class ServerFolder {

    /// Many iterations protect passwords that can be guessed. These passwords are random, and
    /// thousands of iterations at each login would dominate the time of a short session.
    private static final String CHEAP_LOGINS = "--set=scram_iterations=1";

    private static final String INCLUDED = "sandbox.conf";

    private final Path folder;

    ServerFolder(Path folder) {
        this.folder = folder;
    }

    Path data() {
        return folder.resolve("data");
    }

    Path log() {
        return folder.resolve("server.log");
    }

    Path passwordFile() {
        return folder.resolve("password");
    }

    String password() {
        try {
            return Files.readString(passwordFile()).strip();
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    Optional<Integer> lastPort() {
        try {
            return Optional.of(Integer.valueOf(Files.readString(folder.resolve("port")).strip()));
        } catch (IOException | NumberFormatException _) {
            return Optional.empty();
        }
    }

    void configure(SandboxSettings settings, int port) {
        try {
            Files.writeString(data().resolve(INCLUDED), settings.configuration(port));
            Files.writeString(folder.resolve("port"), port + "\n");
            if (!Files.exists(log())) {
                Files.createFile(log());
            }
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /// Creates the data folder under another name and renames it when it is complete, so that a
    /// kill in between leaves no folder that looks like a server.
    void initialise(PostgresBinaries binaries, Durability durability) {
        if (Files.exists(data().resolve("PG_VERSION"))) {
            return;
        }
        Path unfinished = folder.resolve("data.unfinished");
        try {
            Folders.delete(unfinished);
            Path password = writePassword();
            List<String> arguments =
                    new ArrayList<>(
                            List.of(
                                    "--pgdata=" + unfinished,
                                    "--username=" + SandboxPostgres.SUPERUSER,
                                    "--pwfile=" + password,
                                    "--auth=scram-sha-256",
                                    "--encoding=UTF8",
                                    "--locale=C"));
            if (binaries.knows("scram_iterations")) {
                arguments.add(CHEAP_LOGINS);
            }
            if (durability == Durability.FAST) {
                arguments.add("--no-sync");
            }
            run(binaries.command("initdb", arguments));
            Files.writeString(
                    unfinished.resolve("postgresql.conf"),
                    "\ninclude = '" + INCLUDED + "'\n",
                    StandardOpenOption.APPEND);
            Files.move(unfinished, data(), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private Path writePassword() throws IOException {
        Path file = passwordFile();
        Files.deleteIfExists(file);
        Files.createFile(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        byte[] random = new byte[12];
        new SecureRandom().nextBytes(random);
        Files.writeString(file, HexFormat.of().formatHex(random) + "\n");
        return file;
    }

    private void run(List<String> command) throws IOException {
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new LocalServerException(
                        "PostgreSQL's initdb failed in " + folder + ": " + output.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LocalServerException("The initialisation of PostgreSQL was interrupted.", e);
        }
    }

    /// The part of the server's log after the given size.
    String logSince(long size) {
        try (var channel = Files.newByteChannel(log())) {
            channel.position(Math.min(size, channel.size()));
            return new String(
                    Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "The log cannot be read: " + e;
        }
    }

    long logSize() {
        try {
            return Files.size(log());
        } catch (IOException _) {
            return 0;
        }
    }

    private LocalServerException unusable(IOException e) {
        return new LocalServerException(
                "PostgreSQL cannot use its folder "
                        + folder
                        + ": "
                        + e
                        + ". Make the folder writable or choose another folder.",
                e);
    }
}
