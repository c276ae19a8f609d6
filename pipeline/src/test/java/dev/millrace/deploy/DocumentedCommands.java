package dev.millrace.deploy;

import dev.millrace.cli.Millrace;
import dev.millrace.cli.Providers;
import dev.millrace.cli.Terminal;
import java.io.PrintWriter;
import java.io.Writer;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;

/// The command lines in a text, and whether the program accepts them. Nothing is executed.
final class DocumentedCommands {

    /// A line of a console block, or code in a sentence.
    private static final Pattern COMMAND =
            Pattern.compile(
                    "(?m)^\\s*(?:\\$ )?(?:\\./)?millrace (.*)$|`(?:\\./)?millrace ([^`]*)`");

    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

    private DocumentedCommands() {}

    /// The command lines of a text without `millrace`; a comment or a pipe ends one.
    static Stream<String> in(String markdown) {
        return COMMAND.matcher(markdown)
                .results()
                .map(found -> found.group(1) == null ? found.group(2) : found.group(1))
                .map(line -> line.replaceFirst("\\s(?:#|\\||>|<|&&|\\().*$", "").strip());
    }

    /// Why the program does not accept the line.
    static Optional<String> refusal(String line) {
        try {
            model().parseArgs(words(line).toArray(String[]::new));
            return Optional.empty();
        } catch (MissingParameterException e) {
            // A sentence may name a command without what it needs.
            return line.contains("-")
                    ? Optional.of("millrace " + line + ": " + e.getMessage())
                    : Optional.empty();
        } catch (ParameterException e) {
            return Optional.of("millrace " + line + ": " + e.getMessage());
        }
    }

    /// The commands of the program with every provider.
    static CommandLine model() {
        PrintWriter none = new PrintWriter(Writer.nullWriter());
        Terminal terminal = new Terminal(none, none, Map.of(), InstantSource.system(), false, 100);
        return new Millrace(terminal, new Providers(unused(), unused(), unused(), unused()))
                .commandLine();
    }

    private static <T> Supplier<T> unused() {
        return () -> {
            throw new AssertionError("A command was executed.");
        };
    }

    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(line);
        while (word.find()) {
            words.add(
                    Stream.of(1, 2, 3)
                            .map(word::group)
                            .filter(group -> group != null)
                            .findFirst()
                            .orElseThrow());
        }
        return words;
    }
}
