package dev.millrace.cli;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Map;

/// The environment of a command: output streams, environment variables, clock and terminal.
///
/// @param interactive whether output goes to a terminal, so that lines can be overwritten
/// @param columns maximum width of a line; at least 40
public record Terminal(
        PrintWriter out,
        PrintWriter err,
        Map<String, String> environment,
        InstantSource clock,
        boolean interactive,
        int columns) {

    private static final int MIN_COLUMNS = 40;
    private static final int DEFAULT_COLUMNS = 100;

    public Terminal {
        environment = Map.copyOf(environment);
        columns = Math.max(MIN_COLUMNS, columns);
    }

    public static Terminal ofProcess() {
        Console console = System.console();
        return new Terminal(
                writer(FileDescriptor.out),
                writer(FileDescriptor.err),
                System.getenv(),
                InstantSource.system(),
                console != null && console.isTerminal(),
                Integer.getInteger("millrace.columns", DEFAULT_COLUMNS));
    }

    boolean isColored() {
        return interactive
                && environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !"dumb".equals(environment.get("TERM"));
    }

    public String colored(Color color, String text) {
        return isColored() ? color.code + text + "\u001b[0m" : text;
    }

    /// Writes a document to a file, and says so.
    ///
    /// @param name of the document, as a sentence begins with it
    /// @throws CommandFailure if the file cannot be written
    public void save(String name, String document, Path file) {
        try {
            Files.writeString(file, document);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "Cannot write the " + name.toLowerCase(Locale.ROOT) + " to " + file + ".",
                    "Check that the folder exists and is writable.",
                    e);
        }
        err.println(name + " written to " + file);
    }

    private static PrintWriter writer(FileDescriptor descriptor) {
        return new PrintWriter(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }

    public enum Color {
        GOOD("\u001b[32m"),
        BAD("\u001b[31m"),
        UNSURE("\u001b[33m"),
        STRONG("\u001b[1m");

        private final String code;

        Color(String code) {
            this.code = code;
        }
    }
}
